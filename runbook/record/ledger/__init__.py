"""What happened to records, in one numbered chain beside them: a record that is taken away leaves its entry behind."""
