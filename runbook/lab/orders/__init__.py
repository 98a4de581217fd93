"""The service that the lab breaks: `orders`, a small replicated store with an HTTP front.

Two databases (`db1` primary, `db2` standby) keep orders in append-only files; the standby follows
asynchronously, so orders that were acknowledged can be lost when the primary dies, as in life. One
application (`app1`) takes orders over HTTP. They are real processes with real pid files, started and killed
by real commands.

It refuses to be a database anybody should use, and it imports nothing beyond the standard library: the
`orders` tool is started several times a second by probes, so it must start in a few milliseconds and without
site packages.
"""
