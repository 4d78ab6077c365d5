"""Opens so many connections, asks on each once, and holds them: `idle.py PORT N FIFO`.

Prints `open N` when all stand, asks on each again every 20 s (so that none is closed for its silence), and once more when a
line comes out of the FIFO: then `asked N errors E`, and ends. Only to 127.0.0.1.
"""

import asyncio
import sys

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
AT_ONCE = 200
AGAIN = 20


async def ask(reader, writer):
    writer.write(REQUEST)
    await writer.drain()
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    return head.startswith(b"HTTP/1.1 204")


async def each(work, items):
    """Errors among so many pieces of work, some at a time."""
    places, errors = asyncio.Semaphore(AT_ONCE), 0

    async def one(item):
        nonlocal errors
        async with places:
            try:
                if not await work(item):
                    errors += 1
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
                errors += 1

    await asyncio.gather(*(one(item) for item in items))
    return errors


def told(fifo):
    with open(fifo) as lines:
        lines.readline()


async def main(port, number, fifo):
    connections = []

    async def connect(_):
        pair = await asyncio.open_connection("127.0.0.1", port)
        connections.append(pair)
        return await ask(*pair)

    errors = await each(connect, range(number))
    print(f"open {len(connections)}", flush=True)
    end = asyncio.get_running_loop().run_in_executor(None, told, fifo)
    while True:
        done, _ = await asyncio.wait([end], timeout=AGAIN)
        errors += await each(lambda pair: ask(*pair), connections)
        if done:
            break
    print(f"asked {len(connections)} errors {errors}", flush=True)


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
