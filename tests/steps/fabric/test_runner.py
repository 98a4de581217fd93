"""How commands of a fabfile run, on this machine: bounded memory, watchers that keep their place, bytes as they were."""

from __future__ import annotations

import fabric
import paramiko
import pytest
from invoke import Responder
from invoke.context import Context

from runbook.steps.fabric import runner as fabric_runner
from runbook.steps.fabric.runner import WINDOW, BoundedLocal, TooLong, Window, settings


@pytest.fixture
def runner():
    return BoundedLocal(Context(fabric.Config(overrides=settings(5), lazy=True, ssh_config=paramiko.SSHConfig())))


def test_a_command_that_prints_more_than_a_task_is_given_is_an_error_and_no_cut_text(runner, monkeypatch, capfd):
    monkeypatch.setattr(fabric_runner, "MOST", 100_000)
    with pytest.raises(TooLong):
        runner.run("yes | head -c 200000")
    assert len(capfd.readouterr().out) == 200_000


def test_a_watcher_answers_each_prompt_once_however_much_comes_between(runner):
    text = "for n in 1 2; do yes | head -c 300000; printf 'sure? '; read -r answer; echo got $answer; done"
    said = runner.run(text, hide=True, watchers=[Responder(r"sure\? ", "yes\n")]).stdout
    assert said.count("got yes\n") == 2
    assert len(said) == 600_000 + 2 * len("sure? got yes\n")


def test_a_window_keeps_what_a_prompt_may_need_and_moves_the_places_of_its_watchers():
    window, watcher = Window(), Responder("x", "y")
    watcher.index = WINDOW
    window.take("a" * WINDOW * 2)
    window.shorten([watcher])
    assert (len(window.text), window.size, watcher.index) == (WINDOW, WINDOW * 2, 0)


def test_characters_that_a_chunk_cuts_in_two_stay_whole(runner, monkeypatch):
    monkeypatch.setattr(BoundedLocal, "read_chunk_size", 3)
    assert runner.run("printf 'grün\\377€'", hide=True).stdout == "grün\udcff€"


def test_a_command_meets_the_end_of_its_input(runner):
    assert runner.run("cat", hide=True).stdout == ""
