"""Programs of many shapes in which mstoken is a guest.

`python -c "from tests.support import host_shapes; host_shapes.main()" NAME URL` runs one of them. Every token that it
gets is checked and its tenant printed, a line each. The shapes live in this module and not in `__main__`, where Python
shows a program's own DeprecationWarning about fork.
"""

from __future__ import annotations

import asyncio
import atexit
import faulthandler
import gc
import http.client
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mstoken import AsyncClient, Client

CLIENT_ID = "6731de76-14a6-49ae-97bc-6eba6914391e"
SLOW = "slow.example"
"""The tenant whose token takes longer than any shape lasts."""
_LONGEST_IN = 60
_SOON_IN = 0.3
Shape = Callable[[str], None]


def main() -> None:
    """Run the shape that argv names."""
    SHAPES[sys.argv[1]](sys.argv[2])


def blocking(url: str) -> Client:
    from mstoken import Client, ClientSecret

    return Client("contoso.example", CLIENT_ID, ClientSecret("s3cret"), url)


def asynchronous(url: str) -> AsyncClient:
    from mstoken import AsyncClient, ClientSecret

    return AsyncClient("contoso.example", CLIENT_ID, ClientSecret("s3cret"), url)


def get(client: Client, number: int) -> None:
    """Get the token of tenant `number`, which no call before has got."""
    tenant = f"tenant-{number}.example"
    _got(client.get_token("graph", tenant_id=tenant).token, tenant)


async def aget(client: AsyncClient, number: int) -> None:
    """`get`, awaited."""
    tenant = f"tenant-{number}.example"
    _got((await client.get_token("graph", tenant_id=tenant)).token, tenant)


def _got(token: str, tenant: str) -> None:
    if token != tenant:
        raise AssertionError(f"{tenant} got {token}")
    os.write(1, f"{tenant}\n".encode())  # unbuffered: a forked child does not print it again


def in_thread(work: Callable[..., object], *arguments: object) -> None:
    """Run `work` in a plain thread and wait until the thread has ended."""
    thread = threading.Thread(target=work, args=arguments)
    thread.start()
    thread.join(_LONGEST_IN)


def wait_for_child(child: int) -> None:
    """Wait for a forked process, which has to end with exit code 0."""
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        raise AssertionError(f"the child ended with {code}")


# Threads.


def thread_then_thread(url: str) -> None:
    client = blocking(url)
    in_thread(get, client, 1)
    in_thread(get, client, 2)


def thread_then_main_thread(url: str) -> None:
    client = blocking(url)
    in_thread(get, client, 1)
    get(client, 2)


def threads_with_a_client_each(url: str) -> None:
    in_thread(lambda: get(blocking(url), 1))
    in_thread(lambda: get(blocking(url), 2))


def many_short_threads(url: str) -> None:
    client = blocking(url)
    for number in range(1, 21):
        in_thread(get, client, number)


def two_crowds_of_threads(url: str) -> None:
    client = blocking(url)
    for first in (1, 11):
        threads = [threading.Thread(target=get, args=(client, number)) for number in range(first, first + 10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_LONGEST_IN)


def two_thread_pools(url: str) -> None:
    client = blocking(url)
    for numbers in ((1, 2, 3), (4, 5, 6)):
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda number: get(client, number), numbers))


def client_collected_in_another_thread(url: str) -> None:
    clients = [blocking(url)]
    in_thread(get, clients[0], 1)

    def drop() -> None:
        clients.clear()
        gc.collect()

    in_thread(drop)
    get(blocking(url), 2)


def threading_http_server(url: str) -> None:
    client = blocking(url)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            get(client, int(self.path[1:]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        for number in (1, 2, 3):
            _visit(server.server_port, number)
        server.shutdown()


# Event loops.


def loops_in_threads_with_a_client_each(url: str) -> None:
    async def ask(number: int) -> None:
        async with asynchronous(url) as client:
            await aget(client, number)

    for number in (1, 2):
        in_thread(lambda number=number: asyncio.run(ask(number)))


def loops_in_threads_with_one_client(url: str) -> None:
    client = asynchronous(url)
    for number in (1, 2):
        in_thread(lambda number=number: asyncio.run(aget(client, number)))


def loops_in_threads_at_once_with_one_client(url: str) -> None:
    client = asynchronous(url)
    threads = [
        threading.Thread(target=lambda number=number: asyncio.run(aget(client, number))) for number in range(1, 5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_LONGEST_IN)


def loop_after_loop_with_one_client(url: str) -> None:
    client = asynchronous(url)
    for number in (1, 2, 3):
        asyncio.run(aget(client, number))


def blocking_client_in_loops_and_their_threads(url: str) -> None:
    client = blocking(url)

    async def ask(first: int) -> None:
        await asyncio.to_thread(get, client, first)
        get(client, first + 1)

    asyncio.run(ask(1))
    asyncio.run(ask(3))


def another_event_loop(url: str) -> None:
    import uvloop

    async def ask(first: int) -> None:
        async with asynchronous(url) as client:
            await asyncio.gather(*(aget(client, number) for number in range(first, first + 5)))

    in_thread(lambda: uvloop.run(ask(1)))
    uvloop.run(ask(6))


def greenlets(url: str) -> None:
    importlib.import_module("gevent.monkey").patch_all()
    gevent = importlib.import_module("gevent")
    client = blocking(url)
    jobs = [gevent.spawn(get, client, number) for number in range(1, 6)]
    gevent.joinall(jobs, raise_error=True)
    in_thread(get, client, 6)


# Worker threads of web frameworks.


def anyio_workers_after_they_idled_out(url: str) -> None:
    import anyio
    import anyio.to_thread

    _let_workers_end_soon()
    client = blocking(url)

    async def ask() -> None:
        async with anyio.create_task_group() as group:
            for number in (1, 2):
                group.start_soon(anyio.to_thread.run_sync, get, client, number)
        for number in (3, 4, 5):
            await anyio.sleep(0.1)
            await anyio.to_thread.run_sync(get, client, number)

    anyio.run(ask)


def def_endpoints_after_idle_time(url: str) -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    _let_workers_end_soon()
    client = blocking(url)

    def endpoint(request: Request) -> PlainTextResponse:
        get(client, request.path_params["number"])
        return PlainTextResponse("")

    app = Starlette(routes=[Route("/{number:int}", endpoint)])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off", loop="asyncio"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda number: _visit(port, number), (1, 2)))
    for number in (3, 4):
        time.sleep(0.1)
        _visit(port, number)
    server.should_exit = True
    thread.join(_LONGEST_IN)


# Fork.


def fork_before_use(url: str) -> None:
    _fork_and_get(blocking(url))


def fork_after_use(url: str) -> None:
    client = blocking(url)
    get(client, 3)
    _fork_and_get(client)


def fork_after_use_in_a_thread(url: str) -> None:
    client = blocking(url)
    in_thread(get, client, 3)
    _fork_and_get(client)


def fork_in_a_thread(url: str) -> None:
    client = blocking(url)
    get(client, 3)
    in_thread(_fork_and_get, client)


def fork_while_a_thread_asks(url: str) -> None:
    client = blocking(url)
    get(client, 3)
    _start_slow_request(client)
    _fork_and_get(client)


def fork_of_a_fork(url: str) -> None:
    client = blocking(url)
    get(client, 3)
    child = os.fork()
    if not child:
        get(client, 4)
        _fork_and_get(client)
        sys.exit()
    wait_for_child(child)


def fork_after_a_loop(url: str) -> None:
    client = asynchronous(url)
    asyncio.run(aget(client, 1))
    child = os.fork()
    asyncio.run(aget(client, 3 if child else 2))
    if child:
        wait_for_child(child)


def fork_in_a_loop_with_requests_under_way(url: str) -> None:
    """The child leaves its parent's loop alone, whose selector the two share, and runs one of its own."""
    client = asynchronous(url)

    async def main() -> None:
        slow = asyncio.ensure_future(client.get_token("graph", tenant_id=SLOW))
        await aget(client, 1)
        await asyncio.sleep(_SOON_IN)
        child = os.fork()
        if not child:
            _end_child_after(in_thread, lambda: asyncio.run(aget(client, 3)))
        wait_for_child(child)
        await aget(client, 2)
        slow.cancel()

    asyncio.run(main())


def multiprocessing_pool(url: str) -> None:
    client = blocking(url)
    get(client, 1)
    with multiprocessing.get_context("fork").Pool(2, _keep, (client,)) as pool:
        pool.map(_get_kept, (2, 3, 4))
        pool.close()
        pool.join()


def process_pool_executor(url: str) -> None:
    client = blocking(url)
    in_thread(get, client, 1)
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(2, context, _keep, (client,)) as pool:
        list(pool.map(_get_kept, (2, 3, 4)))


# The end of the program.


def exit_right_after_the_answer(url: str) -> None:
    get(blocking(url), 1)


def exit_right_after_the_answer_in_a_thread(url: str) -> None:
    threading.Thread(target=get, args=(blocking(url), 1)).start()


def exit_right_after_the_answer_in_a_loop(url: str) -> None:
    asyncio.run(aget(asynchronous(url), 1))


def exit_by_sys_exit_in_a_loop(url: str) -> None:
    async def main() -> None:
        await aget(asynchronous(url), 1)
        sys.exit()

    asyncio.run(main())


def exit_while_a_daemon_thread_asks(url: str) -> None:
    client = blocking(url)
    _start_slow_request(client)
    get(client, 1)


def exit_while_a_loop_in_a_daemon_thread_asks(url: str) -> None:
    client = asynchronous(url)
    threading.Thread(
        target=lambda: asyncio.run(client.get_token("graph", tenant_id=SLOW)),
        daemon=True,
    ).start()
    time.sleep(_SOON_IN)
    asyncio.run(aget(client, 1))


def exit_after_cancelled_requests(url: str) -> None:
    async def main() -> None:
        client = asynchronous(url)
        slow = [asyncio.ensure_future(client.get_token("graph", tenant_id=f"{n}.{SLOW}")) for n in range(20)]
        await aget(client, 1)
        await asyncio.sleep(_SOON_IN)
        for one in slow:
            one.cancel()

    asyncio.run(main())


def exit_by_a_signal_while_a_call_waits(url: str) -> None:
    client = blocking(url)
    get(client, 1)
    signal.signal(signal.SIGALRM, lambda *_: sys.exit())
    signal.setitimer(signal.ITIMER_REAL, _SOON_IN)
    client.get_token("graph", tenant_id=SLOW)


def token_in_an_exit_handler(url: str) -> None:
    client = blocking(url)
    get(client, 1)
    atexit.register(get, client, 2)


# Interpreters.


def subinterpreter(url: str) -> None:
    """As mod_wsgi runs applications: another interpreter in the same process, with the same GIL."""
    code = f"from tests.support import host_shapes; host_shapes.get(host_shapes.blocking({url!r}), %d)"
    if sys.version_info >= (3, 13):
        interpreters = importlib.import_module("_interpreters")
        made: Any = interpreters.create("legacy")
        failure = interpreters.exec(made, code % 1)
    else:
        interpreters = importlib.import_module("_xxsubinterpreters")
        made = interpreters.create(isolated=False)
        failure = interpreters.run_string(made, code % 1)
    if failure is not None:
        raise AssertionError(str(failure))
    interpreters.destroy(made)
    get(blocking(url), 2)


_kept: list[Client] = []


def _keep(client: Client) -> None:
    _kept.append(client)


def _get_kept(number: int) -> None:
    get(_kept[0], number)


def _fork_and_get(client: Client) -> None:
    """Token 1 in a forked child, then token 2 in the parent."""
    child = os.fork()
    if not child:
        if threading.current_thread() is not threading.main_thread():
            _end_child_after(get, client, 1)
        _end_at_the_latest()
        get(client, 1)
        sys.exit()
    wait_for_child(child)
    get(client, 2)


def _end_at_the_latest() -> None:
    """A process that hangs is ended by a signal, and standard error has the stack of each of its threads."""
    faulthandler.register(signal.SIGALRM, chain=True)
    signal.alarm(_LONGEST_IN // 2)


def _end_child_after(work: Callable[..., object], *arguments: object) -> None:
    """Do `work` in a forked child and end there: it must not go on as its parent would."""
    _end_at_the_latest()
    try:
        work(*arguments)
    except BaseException:  # noqa: BLE001 - whatever it is, the parent reads of it
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


def _start_slow_request(client: Client) -> None:
    threading.Thread(target=client.get_token, args=("graph",), kwargs={"tenant_id": SLOW}, daemon=True).start()
    time.sleep(_SOON_IN)


def _let_workers_end_soon() -> None:
    """anyio's idle worker threads end at the next call after so many seconds; it is ten otherwise."""
    importlib.import_module("anyio._backends._asyncio").WorkerThread.MAX_IDLE_TIME = 0.05


def _visit(port: int, number: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_LONGEST_IN)
    connection.request("GET", f"/{number}")
    response = connection.getresponse()
    response.read()
    connection.close()
    if response.status != 200:
        raise AssertionError(f"the server answered {response.status}")


TOKENS: dict[Shape, int] = {
    thread_then_thread: 2,
    thread_then_main_thread: 2,
    threads_with_a_client_each: 2,
    many_short_threads: 20,
    two_crowds_of_threads: 20,
    two_thread_pools: 6,
    client_collected_in_another_thread: 2,
    threading_http_server: 3,
    loops_in_threads_with_a_client_each: 2,
    loops_in_threads_with_one_client: 2,
    loops_in_threads_at_once_with_one_client: 4,
    loop_after_loop_with_one_client: 3,
    blocking_client_in_loops_and_their_threads: 4,
    another_event_loop: 10,
    greenlets: 6,
    anyio_workers_after_they_idled_out: 5,
    def_endpoints_after_idle_time: 4,
    fork_before_use: 2,
    fork_after_use: 3,
    fork_after_use_in_a_thread: 3,
    fork_in_a_thread: 3,
    fork_while_a_thread_asks: 3,
    fork_of_a_fork: 4,
    fork_after_a_loop: 3,
    fork_in_a_loop_with_requests_under_way: 3,
    multiprocessing_pool: 4,
    process_pool_executor: 4,
    exit_right_after_the_answer: 1,
    exit_right_after_the_answer_in_a_thread: 1,
    exit_right_after_the_answer_in_a_loop: 1,
    exit_by_sys_exit_in_a_loop: 1,
    exit_while_a_daemon_thread_asks: 1,
    exit_while_a_loop_in_a_daemon_thread_asks: 1,
    exit_after_cancelled_requests: 1,
    exit_by_a_signal_while_a_call_waits: 1,
    token_in_an_exit_handler: 2,
    subinterpreter: 2,
}
"""Each shape and how many tokens it gets: those of tenants 1 to that number."""
SHAPES = {shape.__name__: shape for shape in TOKENS}
ONLY_WITH: dict[str, tuple[str, ...]] = {
    "another_event_loop": ("uvloop",),
    "greenlets": ("gevent",),
    "anyio_workers_after_they_idled_out": ("anyio",),
    "def_endpoints_after_idle_time": ("starlette", "uvicorn"),
}
"""What a shape needs besides mstoken."""


def tenants(name: str) -> Iterable[str]:
    """What a run of the shape has to print, in some order."""
    return (f"tenant-{number}.example" for number in range(1, TOKENS[SHAPES[name]] + 1))
