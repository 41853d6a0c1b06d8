/*
 * Programs that do harm, each contained: the outcome is the right one, the next program runs, and
 * the machine is as it was: processes, mounts, control groups, files, descriptors. What a program
 * can see of that it asserts itself, so that it passes where it was contained.
 *
 * Bombs are bounded stand-ins: should the box fail, the machine does not.
 */
#define _GNU_SOURCE /* mkdtemp */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "box_suite.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

#define PASSED CRIL_SANDBOX_PASSED
#define FAILED CRIL_SANDBOX_FAILED
#define EARLY CRIL_SANDBOX_EARLY

/* What a user has: a file of answers, a server, a secret in the environment, an open file. */
static char folder[] = "/tmp/cril-hostile-XXXXXX", answers[64], socket_path[64];
static int server, local, abstract, open_answers;
static unsigned port;
static char abstract_name[32], process_name[16];

/* ---- the machine ---- */

struct machine {
    char *mounts; /* owned */
    int descriptors, groups;
};

static int count_entries(const char *path, const char *start)
{
    DIR *d = opendir(path);
    const struct dirent *e;
    int n = 0;

    while (d && (e = readdir(d)) != NULL)
        n += !strncmp(e->d_name, start, strlen(start));
    if (d)
        closedir(d);
    return n;
}

/* Control groups that boxes of a process have made, where version 1 of them is mounted. */
static int count_groups(pid_t pid)
{
    char start[32];

    snprintf(start, sizeof(start), "cril-%d-", (int)pid);
    return count_entries("/sys/fs/cgroup/pids", start);
}

static void look_at_machine(struct machine *m)
{
    assert_non_null(m->mounts = strdup(box_suite_mounts()));
    m->descriptors = count_entries("/proc/self/fd", "");
    m->groups = count_groups(getpid());
}

static void expect_file(const char *path)
{
    char text[64] = "";
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    assert_non_null(fgets(text, sizeof(text), f));
    fclose(f);
    assert_string_equal(text, "forty-two");
}

/* ---- one program ---- */

/* Names of what is outside, and a name by which processes of the program are found outside. */
static char *complete(const char *source)
{
    static const char head[] = "import ctypes, os, signal, socket, sys, time\n"
                               "answers, folder, unix, hidden = '%s', '%s', '%s', '\\0%s'\n"
                               "port, name = %u, '%s'\n"
                               "libc = ctypes.CDLL(None, use_errno=True)\n"
                               "def error(f, *args):\n"
                               "    try:\n"
                               "        f(*args)\n"
                               "    except OSError as e:\n"
                               "        return e.errno\n"
                               "    return 0\n"
                               "def call(name, *args):\n"
                               "    ctypes.set_errno(0)\n"
                               "    return getattr(libc, name)(*args), ctypes.get_errno()\n"
                               "open('/proc/self/comm', 'w').write(name)\n";
    const size_t size = sizeof(head) + strlen(source) + 1024;
    char *text = malloc(size);
    int n;

    assert_non_null(text);
    n = snprintf(text, size, head, answers, folder, socket_path, abstract_name, port, process_name);
    assert_true(n > 0 && (size_t)n < size);
    snprintf(text + n, size - (size_t)n, "%s", source);
    return text;
}

struct bounds {
    double wall, cpu;
    size_t memory;
};

static const struct bounds usual = {.wall = 60};

static struct cril_sandbox_outcome run(const char *source, struct bounds b,
                                       enum cril_sandbox_end expected)
{
    struct machine before, after;
    struct cril_sandbox *s = box_suite_open();
    char *text = complete(source);
    struct cril_sandbox_outcome out;

    look_at_machine(&before);
    out = box_suite_program(s, text, b.wall, b.cpu, b.memory);
    free(text);
    assert_int_equal(box_suite_processes(process_name), 0);
    look_at_machine(&after);
    assert_string_equal(after.mounts, before.mounts);
    free(after.mounts);
    free(before.mounts);
    assert_int_equal(after.descriptors, before.descriptors);
    assert_int_equal(after.groups, before.groups);
    expect_file(answers);
    if (out.end != expected)
        fail_msg("came to %d, \"%s\" and not to %d:\n%s", out.end, out.message, expected, source);
    assert_int_equal(box_suite_program(s, "assert 1 < 2", 60, 0, 0).end, PASSED);
    return out;
}

static void expect(const char *source, enum cril_sandbox_end end)
{
    run(source, usual, end);
}

/* ---- processes ---- */

static void test_forks(void **state)
{
    (void)state;
    expect("n = 0\n"
           "try:\n"
           "    while n < 500:\n"
           "        if os.fork() == 0:\n"
           "            time.sleep(100)\n"
           "        n += 1\n"
           "except BlockingIOError:\n"
           "    pass\n"
           "assert 8 < n < 64, n\n",
           PASSED);
    expect("import threading\n"
           "n = 0\n"
           "try:\n"
           "    while n < 500:\n"
           "        threading.Thread(target=time.sleep, args=(100,), daemon=True).start()\n"
           "        n += 1\n"
           "except RuntimeError:\n"
           "    pass\n"
           "assert 8 < n < 64, n\n",
           PASSED);
    /* each child forks as well */
    expect("for i in range(9):\n"
           "    try:\n"
           "        os.fork()\n"
           "    except BlockingIOError:\n"
           "        pass\n"
           "if os.getpid() != 2:\n"
           "    time.sleep(100)\n",
           PASSED);
    expect("import resource\n"
           "try:\n"
           "    resource.setrlimit(resource.RLIMIT_NPROC, (1000, 1000))\n"
           "except ValueError:\n"
           "    raise SystemExit(7)\n",
           FAILED);
}

static void test_daemons(void **state)
{
    static const char daemon[] = "if os.fork() == 0:\n"
                                 "    os.setsid()\n"
                                 "    if os.fork() == 0:\n"
                                 "        for s in range(1, 32):\n"
                                 "            if s not in (signal.SIGKILL, signal.SIGSTOP):\n"
                                 "                signal.signal(s, signal.SIG_IGN)\n"
                                 "        for fd in range(256):\n"
                                 "            error(os.close, fd)\n"
                                 "        time.sleep(1000)\n"
                                 "    os._exit(0)\n";
    char source[2000];

    (void)state;
    expect(daemon, PASSED);
    snprintf(source, sizeof(source), "%stime.sleep(0.1)\nos._exit(3)\n", daemon);
    expect(source, FAILED);
    snprintf(source, sizeof(source), "%stime.sleep(1000)\n", daemon);
    run(source, (struct bounds){.wall = 1}, CRIL_SANDBOX_TIMED_OUT);
}

static void test_kills(void **state)
{
    (void)state;
    expect("for s in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSTOP):\n"
           "    error(os.kill, os.getppid(), s)\n"
           "    error(os.kill, 1, s)\n"
           "time.sleep(0.1)\n",
           PASSED);
    expect("for i in range(3):\n"
           "    if os.fork() == 0:\n"
           "        time.sleep(100)\n"
           "os.kill(-1, signal.SIGKILL)\n"
           "for i in range(3):\n"
           "    assert os.wait()[1] == signal.SIGKILL\n",
           PASSED);
    expect("for pid in range(3, 40000):\n"
           "    assert error(os.kill, pid, signal.SIGKILL)\n",
           PASSED);
    assert_string_equal(run("os.kill(0, signal.SIGKILL)", usual, FAILED).message,
                        "failed: signal 9 (Killed)");
    assert_non_null(strstr(run("ctypes.string_at(0)", usual, FAILED).message, "failed: signal 11"));
    assert_non_null(strstr(run("os.abort()", usual, FAILED).message, "failed: signal 6"));
    run("os.kill(os.getpid(), signal.SIGSTOP)", (struct bounds){.wall = 1}, CRIL_SANDBOX_TIMED_OUT);
}

/* ---- time ---- */

static void test_time(void **state)
{
    static const char stubborn[] = "for s in (signal.SIGTERM, signal.SIGXCPU, signal.SIGALRM):\n"
                                   "    signal.signal(s, signal.SIG_IGN)\n"
                                   "while True:\n"
                                   "    pass\n";
    struct cril_sandbox_outcome out;

    (void)state;
    out = run("time.sleep(1000)", (struct bounds){.wall = 1}, CRIL_SANDBOX_TIMED_OUT);
    assert_string_equal(out.message, "timed out");
    assert_true(out.wall_sec >= 1 && out.wall_sec < 30);
    out = run(stubborn, (struct bounds){.wall = 1}, CRIL_SANDBOX_TIMED_OUT);
    assert_string_equal(out.message, "timed out");
    out = run(stubborn, (struct bounds){.wall = 300, .cpu = 1}, CRIL_SANDBOX_TIMED_OUT);
    assert_string_equal(out.message, "timed out: processor time");
    /* together, though none for itself */
    out = run("for i in range(3):\n"
              "    if os.fork() == 0:\n"
              "        break\n"
              "while time.process_time() < 1:\n"
              "    pass\n"
              "time.sleep(1000)\n",
              (struct bounds){.wall = 300, .cpu = 3}, CRIL_SANDBOX_TIMED_OUT);
    assert_string_equal(out.message, "timed out: processor time");
}

/* ---- memory, files, output ---- */

static void test_memory(void **state)
{
    (void)state;
    expect("try:\n"
           "    x = bytearray(10 << 30)\n"
           "except MemoryError:\n"
           "    pass\n"
           "else:\n"
           "    raise SystemExit(9)\n",
           PASSED);
    assert_string_equal(run("x = b'x' * (10 << 30)", usual, FAILED).message, "failed: MemoryError");
    /* together, though none for itself */
    run("for i in range(5):\n"
        "    if os.fork() == 0:\n"
        "        x = b'x' * (100 << 20)\n"
        "        time.sleep(1000)\n"
        "time.sleep(1000)\n",
        (struct bounds){.wall = 60, .memory = 300 * MIB}, CRIL_SANDBOX_MEMORY);
    /* shared by all, so it counts once */
    run("x = b'x' * (60 << 20)\n"
        "for i in range(8):\n"
        "    if os.fork() == 0:\n"
        "        time.sleep(1000)\n"
        "time.sleep(0.3)\n",
        (struct bounds){.wall = 60, .memory = 300 * MIB}, PASSED);
    expect("assert call('memfd_create', b'x', 0) == (-1, 38)\n"
           "assert call('shmget', 0, 4096, 0o1600) == (-1, 38)\n",
           PASSED);
}

static void test_files(void **state)
{
    (void)state;
    expect("block, n = b'x' * (1 << 20), 0\n"
           "def fill():\n"
           "    global n\n"
           "    with open('large', 'wb', 0) as f:\n"
           "        while n < 10000:\n"
           "            n += f.write(block) >> 20\n"
           "assert error(fill) in (27, 28) and 16 < n <= 256, n\n",
           PASSED);
    expect("signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
           "f = open('large', 'wb', 0)\n"
           "for i in range(1000):\n"
           "    f.write(b'x' * (1 << 20))\n",
           FAILED);
    /* many files of a size that is allowed */
    expect("def fill():\n"
           "    for i in range(40):\n"
           "        for place in ('/tmp', '/dev/shm'):\n"
           "            with open('%s/%d' % (place, i), 'wb') as f:\n"
           "                f.write(b'x' * (50 << 20))\n"
           "assert error(fill) == 28\n",
           PASSED);
    expect("for i in range(2000):\n"
           "    open(str(i), 'w').close()\n",
           PASSED);
    assert_string_equal(run("for i in range(100000):\n"
                            "    open(str(i), 'w').close()\n"
                            "time.sleep(1000)\n",
                            usual, CRIL_SANDBOX_MEMORY)
                            .message,
                        "killed: too many files");
}

static void test_output(void **state)
{
    (void)state;
    assert_string_equal(run("while True:\n"
                            "    os.write(1, b'x' * 65536)\n",
                            usual, CRIL_SANDBOX_OUTPUT)
                            .message,
                        "killed: too much output");
    run("while True:\n"
        "    os.write(2, b'x' * 65536)\n",
        usual, CRIL_SANDBOX_OUTPUT);
    expect("for i in range(3 << 5):\n"
           "    os.write(1, b'x' * 32768)\n"
           "    os.write(2, b'x' * 32768)\n",
           PASSED);
}

/* ---- what is outside ---- */

static void test_delete(void **state)
{
    struct stat st;

    (void)state;
    expect("import shutil\n"
           "for place in ('/etc', '/home', '/root', '/usr/bin', '/lib', '/proc', folder, '.'):\n"
           "    shutil.rmtree(place, ignore_errors=True)\n"
           "os.system('timeout 1 rm -rf --no-preserve-root / ~ . .. ' + folder + ' 2>/dev/null')\n"
           "assert os.path.exists('/usr/bin/env')\n",
           PASSED);
    expect("for f, *args in ((open, '/usr/lib/x', 'w'), (open, '/x', 'w'), (os.mkdir, '/dev/x'),\n"
           "                 (open, '/etc/passwd', 'w'), (os.unlink, sys.executable),\n"
           "                 (open, os.path.realpath(sys.executable), 'r+'),\n"
           "                 (open, os.__file__, 'a'), (os.chmod, '/usr', 0o777)):\n"
           "    assert error(f, *args) in (1, 13, 30), args\n",
           PASSED);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(access("/usr/bin/env", X_OK), 0);
    assert_int_equal(access(".", R_OK), 0);
}

static void test_network(void **state)
{
    char text[8];

    (void)state;
    expect("def connect(family, address):\n"
           "    s = socket.socket(family)\n"
           "    s.settimeout(5)\n"
           "    return error(s.connect, address)\n"
           "assert connect(socket.AF_INET, ('127.0.0.1', port)) == 111\n"
           "assert connect(socket.AF_INET, ('192.0.2.1', 80)) == 101\n"
           "assert connect(socket.AF_INET6, ('2001:db8::1', 80)) in (97, 99, 101)\n"
           "assert connect(socket.AF_UNIX, hidden) == 111\n"
           "assert connect(socket.AF_UNIX, unix) == 2\n"
           "assert [n for i, n in socket.if_nameindex()] == ['lo']\n",
           PASSED);
    assert_int_equal(recv(server, text, 1, MSG_DONTWAIT), -1);
    /* among themselves they may talk */
    expect("a = socket.create_server(('127.0.0.1', 0))\n"
           "b = socket.create_connection(('localhost', a.getsockname()[1]))\n",
           PASSED);
}

static void test_answers(void **state)
{
    char cwd[1024], source[4096];

    (void)state;
    assert_non_null(getcwd(cwd, sizeof(cwd)));
    assert_null(strchr(cwd, '\''));
    snprintf(
        source, sizeof(source),
        "for path in (answers, '/proc/1/root' + answers, '/proc/1/cwd/../' + answers,\n"
        "             '/proc/self/root/../..' + answers, '/tmp/../' + answers):\n"
        "    assert error(open, path) in (2, 13), path\n"
        "for path in (folder, '%s', '/home', '/mnt', '/media', '/srv', '/var', '/sys', '/run',\n"
        "             '/boot', '/oldroot', '/newroot'):\n"
        "    assert not os.path.exists(path), path\n"
        "os.symlink(answers, 'link')\n"
        "os.symlink('/proc/1/root', 'root')\n"
        "os.symlink('../../../..', 'up')\n"
        "for path in ('link', 'root' + answers, 'up' + answers):\n"
        "    assert error(open, path) == 2, path\n",
        cwd);
    expect(source, PASSED);
    /* no descriptor but those that are meant: nothing can be read from any */
    expect("fds = sorted(int(f) for f in os.listdir('/proc/self/fd'))\n"
           "assert [f for f in fds if error(os.fstat, f) == 0] == [0, 1, 2, 200], fds\n"
           "assert os.read(0, 10) == b''\n"
           "for fd in range(3, 256):\n"
           "    try:\n"
           "        os.set_blocking(fd, False)\n"
           "        text = os.read(fd, 100)\n"
           "    except OSError:\n"
           "        continue\n"
           "    raise SystemExit(5)\n"
           "os.set_blocking(200, True)\n",
           PASSED);
}

static void test_secrets(void **state)
{
    (void)state;
    assert_int_equal(setenv("CRIL_TEST_SECRET", "chrysanthemum", 1), 0);
    expect("found = []\n"
           "for pid in os.listdir('/proc'):\n"
           "    for file in ('environ', 'cmdline', 'comm', 'mountinfo'):\n"
           "        try:\n"
           "            found.append(open('/proc/%s/%s' % (pid, file)).read())\n"
           "        except OSError:\n"
           "            pass\n"
           "text = ''.join(found)\n"
           "assert 'HOME=/tmp' in text\n"
           "for word in ('CRIL_TEST', 'chrysan', answers, 'bwrap'):\n"
           "    assert word not in text or word in ''.join(sys.argv), word\n"
           "assert len([p for p in os.listdir('/proc') if p.isdigit()]) == 2\n",
           PASSED);
    unsetenv("CRIL_TEST_SECRET");
    expect("assert os.getuid() == os.geteuid() == os.getgid() == 65534\n"
           "assert os.getgroups() in ([], [65534])\n"
           "assert 'CapEff:\\t0000000000000000' in open('/proc/self/status').read()\n"
           "assert 'NoNewPrivs:\\t1' in open('/proc/self/status').read()\n"
           "assert socket.gethostname() == 'box'\n"
           "assert len(open('/etc/passwd').readlines()) == 1\n",
           PASSED);
}

/* ---- the system's calls ---- */

static void test_calls(void **state)
{
    (void)state;
    expect(
        "assert call('ptrace', 16, 1, 0, 0) == (-1, 1)\n"
        "assert call('ptrace', 0, 0, 0, 0) == (-1, 1)\n"
        "assert call('process_vm_readv', 1, 0, 0, 0, 0, 0) == (-1, 1)\n"
        "for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x8000000, 0x4000000, 0x80):\n"
        "    assert call('unshare', flag) == (-1, 1), flag\n"
        "for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x2000000):\n"
        "    assert call('syscall', 220 if os.uname().machine == 'aarch64' else 56,\n"
        "                flag | 17, 0, 0, 0, 0) == (-1, 1), flag\n"
        "assert call('syscall', 435, 0, 0) == (-1, 38)\n"
        "assert call('setns', 0, 0) == (-1, 1)\n"
        "assert call('mount', b'x', b'/tmp', b'tmpfs', 0, 0) == (-1, 1)\n"
        "assert call('umount2', b'/proc', 2) == (-1, 1)\n"
        "assert call('chroot', b'/tmp') == (-1, 1)\n"
        "assert call('personality', 0x40000) == (-1, 1)\n"
        "for number in range(428, 434):\n"
        "    assert call('syscall', number, 0, 0, 0, 0, 0) == (-1, 1), number\n"
        "for number in (425, 426, 427):\n"
        "    assert call('syscall', number, 0, 0, 0, 0, 0) == (-1, 38), number\n"
        "for number in (438, 442):\n"
        "    assert call('syscall', number, 0, 0, 0, 0, 0) == (-1, 1), number\n"
        "a64 = os.uname().machine == 'aarch64'\n"
        "for number in ((219, 217, 218, 280, 241, 282, 97, 268, 104) if a64 else\n"
        "               (250, 248, 249, 321, 298, 323, 272, 308, 246)):\n"
        "    assert call('syscall', number, 0, 0, 0, 0, 0) == (-1, 1), number\n"
        "import fcntl\n"
        "assert error(fcntl.ioctl, 0, 0x5412, b'x') == 1\n"
        "assert os.system('unshare -Ur true 2>/dev/null') != 0\n",
        PASSED);
#if defined(__x86_64__)
    /* getpid by the calls of 32 bits: mov eax, 20; int 0x80; ret. And by those of x32. */
    assert_non_null(strstr(run("import mmap\n"
                               "m = mmap.mmap(-1, 4096, prot=7)\n"
                               "m.write(b'\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3')\n"
                               "at = ctypes.addressof(ctypes.c_char.from_buffer(m))\n"
                               "ctypes.CFUNCTYPE(ctypes.c_int)(at)()\n",
                               usual, FAILED)
                               .message,
                           "signal 31"));
    expect("assert call('syscall', 0x40000000 + 39) == (-1, 38)\n", PASSED);
#endif
}

/* ---- ends that are none ---- */

static void test_early(void **state)
{
    static const char *const sources[] = {
        "os._exit(0)",
        "sys.exit(0)",
        "sys.exit()",
        "exit()",
        "raise SystemExit",
        "raise SystemExit(256)",
        "os.execv('/bin/true', ['true'])",
        "if os.fork():\n    os._exit(0)\n",
        "import atexit\natexit.register(os._exit, 0)\nsys.exit(0)",
        "import threading\nthreading.Thread(target=os._exit, args=(0,)).start()\ntime.sleep(100)",
        "sys.excepthook = lambda *a: os._exit(0)\nsys.exit(0)",
        "sys.__excepthook__ = sys.excepthook = lambda *a: None\nsys.exit(0)",
        /* says that it has ended, to whoever listens */
        "for fd in range(3, 256):\n    error(os.write, fd, b'end')\nos._exit(0)",
        "os.write(200, b'end')\nos._exit(0)",
        /* ... and waits as the wrapper does */
        "os.write(200, b'end')\nos.read(200, 1)\nos._exit(0)",
        "def deep(n):\n"
        "    if n:\n"
        "        return list(map(deep, [n - 1]))\n"
        "    os.write(200, b'end')\n"
        "    os.read(200, 1)\n"
        "    os._exit(0)\n"
        "deep(50)\n",
        "import atexit\n"
        "@atexit.register\n"
        "def end():\n"
        "    os.write(200, b'end')\n"
        "    os.read(200, 1)\n"
        "    os._exit(0)\n"
        "sys.exit(0)\n",
        "class End:\n"
        "    def __del__(self):\n"
        "        os.write(200, b'end')\n"
        "        os.read(200, 1)\n"
        "        os._exit(0)\n"
        "end = End()\n"
        "sys.exit(0)\n",
        /* ... in a new program, whose stack begins elsewhere */
        "os.set_inheritable(200, True)\n"
        "os.execv(sys.executable, [sys.executable, '-c', 'import os; os.write(200, b\"end\");'\n"
        "                          'os.read(200, 1); os._exit(0)'])\n",
        /* what the wrapper's frames hold */
        "f = sys._getframe(1)\n"
        "mine = dict(f.f_locals)\n"
        "mine['write'](mine['channel'], b'end')\n"
        "mine['read'](mine['channel'], 1)\n"
        "mine['leave'](0)\n",
        "import gc\n"
        "for o in gc.get_objects():\n"
        "    if isinstance(o, (bytes, str)) and len(o) in (16, 32, 64):\n"
        "        os.write(200, o)\n"
        "os._exit(0)\n",
        /* a frame that is moved to the wrapper's last line */
        "def move(frame, event, arg):\n"
        "    for line in (11, 12, 13):\n"
        "        try:\n"
        "            frame.f_lineno = line\n"
        "        except (ValueError, TypeError):\n"
        "            pass\n"
        "    return move\n"
        "f = sys._getframe(1)\n"
        "while f:\n"
        "    f.f_trace = move\n"
        "    f = f.f_back\n"
        "sys.settrace(move)\n"
        "raise SystemExit\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        char source[2000];

        snprintf(source, sizeof(source), "%s\nassert False\n", sources[i]);
        assert_string_equal(run(source, usual, EARLY).message, "failed: it stopped before its end");
    }
}

/* Another thread says so, and the program goes on: it ends as it would. */
static void test_claims(void **state)
{
    (void)state;
    expect("os.write(200, b'end')\ntime.sleep(0.2)\nassert False\n", FAILED);
    expect("os.write(200, b'end')\ntime.sleep(0.2)\n", PASSED);
    expect("import threading\n"
           "def end():\n"
           "    os.write(200, b'end')\n"
           "    os.read(200, 1)\n"
           "    os._exit(0)\n"
           "threading.Thread(target=end, daemon=True).start()\n"
           "time.sleep(0.2)\n"
           "assert False\n",
           FAILED);
    /* who reads what was meant for the wrapper waits for ever */
    run("os.write(200, b'end')\n"
        "while True:\n"
        "    pass\n",
        (struct bounds){.wall = 1}, CRIL_SANDBOX_TIMED_OUT);
}

/* ---- the end of the process that runs the box ---- */

static void test_parent_death(void **state)
{
    struct cril_sandbox *s = box_suite_open();
    const struct timespec pause = {.tv_nsec = 20000000};
    char *source = complete("if os.fork() == 0:\n    os.setsid()\ntime.sleep(1000)\n");
    pid_t child;
    int status;

    (void)state;
    (void)s;
    fflush(NULL);
    if ((child = fork()) == 0) {
        struct cril_sandbox *own = NULL;
        struct cril_sandbox_outcome out;

        if (cril_sandbox_open(NULL, &own, NULL) == CRIL_OK)
            cril_sandbox_run(
                own,
                &(struct cril_sandbox_program){.source = cril_bytes_of(source), .wall_sec = 1000},
                &out, NULL);
        _exit(1);
    }
    for (int i = 0; i < 3000 && box_suite_processes(process_name) < 2; i++)
        nanosleep(&pause, NULL);
    assert_int_equal(box_suite_processes(process_name), 2);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    for (int i = 0; i < 1000 && box_suite_processes(process_name); i++)
        nanosleep(&pause, NULL);
    assert_int_equal(box_suite_processes(process_name), 0);
    free(source);
    /* its control groups go with the next box */
    box_suite_close();
    box_suite_open();
    if (geteuid() == 0)
        assert_int_equal(count_groups(child), 0);
    box_suite_close();
    assert_int_equal(count_groups(getpid()), 0);
}

/* ---- */

static int bind_to(int family, const void *address, size_t len)
{
    const int fd = socket(family, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, address, (socklen_t)len), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static int set_up(void **state)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(in);
    FILE *f;

    (void)state;
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0755), 0);
    snprintf(answers, sizeof(answers), "%s/answers", folder);
    snprintf(socket_path, sizeof(socket_path), "%s/socket", folder);
    snprintf(abstract_name, sizeof(abstract_name), "cril-%d", (int)getpid());
    snprintf(process_name, sizeof(process_name), "cril%d", (int)getpid());
    assert_non_null(f = fopen(answers, "w"));
    fputs("forty-two", f);
    assert_int_equal(fclose(f), 0);
    assert_true((open_answers = open(answers, O_RDONLY)) >= 0); /* not closed on exec */
    server = bind_to(AF_INET, &in, sizeof(in));
    assert_int_equal(getsockname(server, (struct sockaddr *)&in, &len), 0);
    port = ntohs(in.sin_port);
    strcpy(un.sun_path, socket_path);
    local = bind_to(AF_UNIX, &un, sizeof(un));
    memset(un.sun_path, 0, sizeof(un.sun_path));
    strcpy(un.sun_path + 1, abstract_name);
    abstract =
        bind_to(AF_UNIX, &un, offsetof(struct sockaddr_un, sun_path) + 1 + strlen(abstract_name));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close(server);
    close(local);
    close(abstract);
    close(open_answers);
    unlink(socket_path);
    unlink(answers);
    return rmdir(folder);
}

static int suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forks),        cmocka_unit_test(test_daemons),
        cmocka_unit_test(test_kills),        cmocka_unit_test(test_time),
        cmocka_unit_test(test_memory),       cmocka_unit_test(test_files),
        cmocka_unit_test(test_output),       cmocka_unit_test(test_delete),
        cmocka_unit_test(test_network),      cmocka_unit_test(test_answers),
        cmocka_unit_test(test_secrets),      cmocka_unit_test(test_calls),
        cmocka_unit_test(test_early),        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_parent_death),
    };

    return cmocka_run_group_tests_name("hostile programs", tests, set_up, tear_down);
}

int main(void)
{
    return box_suite_run(suite);
}
