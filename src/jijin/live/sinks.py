"""Where alarms go: each sink in a thread of its own behind a bounded queue, so a dead one holds up nothing."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import queue
import smtplib
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

from jijin.errors import ConfigError, MissingExtra
from jijin.live.alarm import Alarm
from jijin.live.events import write_quakeml
from jijin.live.rules import LEVELS, SinkConfig
from jijin.types import Event

log = logging.getLogger("jijin")

HELD = 200  # alarms that wait for a slow sink; further ones are lost to it, and counted
Send = Callable[[Alarm], None]


class SinkError(Exception):
    """An alarm could not be delivered; it is tried again."""


class Sink:
    """One place; alarm in, delivered soon. wait_s is the pause before the second try, doubled each time."""

    def __init__(self, config: SinkConfig, send: Send, wait_s: float = 1.0) -> None:
        self.config, self._send, self._wait_s = config, send, wait_s
        self.delivered, self.lost, self.note = 0, 0, ""
        self._queue: queue.Queue[Alarm | None] = queue.Queue(HELD)
        self._stop = Flag()
        self._thread = Thread(target=self._work, name=f"sink {config.kind}", daemon=True)
        self._thread.start()

    def __call__(self, alarm: Alarm) -> None:
        """Take an alarm of the sink's level or above; returns at once."""
        if LEVELS.index(alarm.level) < LEVELS.index(self.config.level):
            return
        try:
            self._queue.put_nowait(alarm)
        except queue.Full:
            self._lose(alarm, "too many wait before it")

    def close(self, timeout_s: float = 5.0) -> None:
        """Deliver what waits, as far as that goes within the time."""
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            self._stop.set()
        self._thread.join(timeout_s)
        self._stop.set()

    def _work(self) -> None:
        while (alarm := self._queue.get()) is not None and not self._stop.is_set():
            self._deliver(alarm)

    def _deliver(self, alarm: Alarm) -> None:
        wait_s = self._wait_s
        for attempt in range(1, self.config.tries + 1):
            try:
                self._send(alarm)
            except Exception as error:  # whatever a sink does, the others and the picking go on
                self.note = f"{type(error).__name__}: {error}"
                log.warning("sink %s: alarm %s, try %d: %s", self.config.kind, alarm.alarm_id, attempt, self.note)
                if attempt == self.config.tries or self._stop.wait(wait_s):
                    break
                wait_s = min(2 * wait_s, 60.0)
            else:
                self.delivered, self.note = self.delivered + 1, ""
                return
        self._lose(alarm, self.note)

    def _lose(self, alarm: Alarm, why: str) -> None:
        self.lost += 1
        log.error("sink %s: alarm %s is not delivered: %s", self.config.kind, alarm.alarm_id, why)


def open_sink(config: SinkConfig, event_of: Callable[[str], Event | None], method: str) -> Sink:
    """A sink by its kind. event_of : the latest version of an event by its id. ConfigError, MissingExtra."""
    makers: dict[str, Callable[[], Send]] = {
        "log": lambda: to_log,
        "command": lambda: lambda alarm: to_command(config, alarm),
        "webhook": lambda: webhook(config),
        "smtp": lambda: mail(config),
        "mqtt": lambda: mqtt(config),
        "quakeml": lambda: lambda alarm: to_quakeml(config, alarm, event_of, method),
    }
    return Sink(config, makers[config.kind]())


def to_log(alarm: Alarm) -> None:
    """A warning of the logger "jijin"."""
    log.warning("%s%s (%s): %s", "TEST " if alarm.test else "", alarm.kind.upper(), alarm.level, alarm.text)


def to_command(config: SinkConfig, alarm: Alarm) -> None:
    """Run the command without a shell, the alarm as JSON on its stdin. SinkError if it fails or takes too long."""
    try:
        done = subprocess.run(
            config.command, input=body_of(alarm), timeout=config.timeout_s, capture_output=True, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SinkError(f"{config.command[0]} took longer than {config.timeout_s:g} s") from error
    if done.returncode:
        raise SinkError(
            f"{config.command[0]} ended with {done.returncode}: {done.stderr[-200:].decode(errors='replace')}"
        )


def body_of(alarm: Alarm) -> bytes:
    """An alarm as JSON."""
    return json.dumps(alarm.as_json(), sort_keys=True).encode()


def signature(secret: str, body: bytes) -> str:
    """What a receiver compares with the header X-Jijin-Signature: HMAC-SHA256 of the body.

    >>> signature("key", b"The quick brown fox jumps over the lazy dog")
    'sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8'
    """
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def webhook(config: SinkConfig) -> Send:
    """POST the alarm as JSON, signed if there is a secret. X-Jijin-Alarm is the same at every try."""
    if urlsplit(config.url).scheme not in ("http", "https"):
        raise ConfigError(f"a webhook's url begins with http:// or https:// (got {config.url})")
    secret = _secret(config)

    def send(alarm: Alarm) -> None:
        body = body_of(alarm)
        headers = {"Content-Type": "application/json", "User-Agent": "jijin", "X-Jijin-Alarm": alarm.alarm_id}
        if secret:
            headers["X-Jijin-Signature"] = signature(secret, body)
        request = urllib.request.Request(config.url, body, headers)
        with urllib.request.urlopen(request, timeout=config.timeout_s):
            pass

    return send


def _secret(config: SinkConfig) -> str:
    if not config.secret_env:
        return ""
    if config.secret_env not in os.environ:
        raise ConfigError(f"sink {config.kind}: the environment variable '{config.secret_env}' is not set")
    return os.environ[config.secret_env]


def mail(config: SinkConfig) -> Send:
    """An e-mail through smtp://[USER@]HOST[:PORT], encrypted if the server can, or smtps://."""
    parts, password = urlsplit(config.url), _secret(config)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ConfigError(f"an smtp sink's url is smtp://HOST or smtps://HOST (got {config.url})")

    def send(alarm: Alarm) -> None:
        kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
        with kind(parts.hostname or "", parts.port or 0, timeout=config.timeout_s) as server:
            server.ehlo()
            if parts.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls()
            if parts.username:
                server.login(unquote(parts.username), password)
            server.send_message(letter(config, alarm))

    return send


def letter(config: SinkConfig, alarm: Alarm) -> EmailMessage:
    """The e-mail of an alarm."""
    message = EmailMessage()
    message["From"], message["To"] = config.sender, ", ".join(config.to)
    message["Subject"] = f"{'TEST ' if alarm.test else ''}{alarm.kind} ({alarm.level}): {alarm.text}"
    message.set_content(json.dumps(alarm.as_json(), indent=1))
    return message


def mqtt(config: SinkConfig) -> Send:
    """Publish the alarm as JSON, delivered at least once (QoS 1). MissingExtra without paho-mqtt."""
    try:
        from paho.mqtt import publish
    except ImportError as error:
        raise MissingExtra("paho-mqtt", "mqtt") from error
    parts, password = urlsplit(config.url), _secret(config)
    topic = parts.path.strip("/")
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or not topic:
        raise ConfigError(f"an mqtt sink's url is mqtt://HOST/TOPIC (got {config.url})")
    how: dict[str, Any] = {
        "hostname": parts.hostname,
        "port": parts.port or (8883 if parts.scheme == "mqtts" else 1883),
    }
    how["tls"] = {} if parts.scheme == "mqtts" else None
    how["auth"] = {"username": unquote(parts.username), "password": password} if parts.username else None

    def send(alarm: Alarm) -> None:
        publish.single(topic, body_of(alarm), qos=1, **how)

    return send


def to_quakeml(config: SinkConfig, alarm: Alarm, event_of: Callable[[str], Event | None], method: str) -> None:
    """The event of the alarm as a file; an alarm of no event gives none."""
    event = event_of(alarm.event_id) if alarm.event_id else None
    if event is not None:
        write_quakeml(Path(config.folder), event, method)
