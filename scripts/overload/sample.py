"""Asks for one path again and again, a few at a time and each for itself, and notes what came of it: `sample.py PORT PATH TOKEN
SECONDS`.

A line per answer on stdout: seconds since the start, milliseconds it took, status (0: none). Only to 127.0.0.1.
"""

import http.client
import sys
import threading
import time

AT_ONCE = 4
PAUSE = 0.02


def ask(port, path, token, until, start, lock):
    headers = {"Authorization": f"Bearer {token}"}
    connection = None
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException):
            connection, status = None, 0
        ended = time.monotonic()
        with lock:
            print(f"{ended - start:.3f} {(ended - began) * 1000:.2f} {status}", flush=True)
        time.sleep(PAUSE)


def main(port, path, token, seconds):
    start, lock = time.monotonic(), threading.Lock()
    arguments = (port, path, token, start + seconds, start, lock)
    threads = [threading.Thread(target=ask, args=arguments) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main(int(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4]))
