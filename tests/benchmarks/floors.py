"""What the same ways in cost when nothing is done: the floors that are measured beside the budgets.

python floors.py grpc PORT: a grpc.aio server that answers with what it got.
python floors.py http PORT: a bare ASGI callable under uvicorn, as `orchestrator serve` runs it.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc


async def _answer(request: bytes, _context: grpc.aio.ServicerContext) -> bytes:
    return request


async def _answers(requests: AsyncIterator[bytes], _context: grpc.aio.ServicerContext) -> AsyncIterator[bytes]:
    async for request in requests:
        yield request


async def _serve_grpc(port: int) -> None:
    server = grpc.aio.server()
    handlers = {
        "Echo": grpc.unary_unary_rpc_method_handler(_answer),
        "Stream": grpc.stream_stream_rpc_method_handler(_answers),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Echo", handlers),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


async def bare(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """Takes a request in, answers 200."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def main(kind: str, port: int) -> None:
    if kind == "grpc":
        import uvloop

        uvloop.run(_serve_grpc(port))
    else:
        import uvicorn

        uvicorn.run(
            bare, port=port, loop="uvloop", http="httptools", lifespan="off", log_level="error", access_log=False
        )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
