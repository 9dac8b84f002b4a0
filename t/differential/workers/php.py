#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The worker for PHP: php-cgi as a FastCGI server, which is asked over a socket. See ../README.md."""
import base64
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'php.php')
BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6


def record(kind, data):
    return struct.pack('>BBHHBB', 1, kind, 1, len(data), 0, 0) + data


def pair(name, value):
    lengths = b''.join(struct.pack('>I', len(x) | 1 << 31) for x in (name, value))
    return lengths + name + value


def read_exactly(stream, n):
    data = stream.read(n)
    if len(data) != n:
        raise EOFError('php-cgi closed the connection')
    return data


def ask(path, content_type, body, name):
    method, query = b'POST', b''
    if content_type == b'?':
        method, query, content_type, body = b'GET', body, b'', b''
    params = {b'REQUEST_METHOD': method, b'CONTENT_TYPE': content_type,
              b'CONTENT_LENGTH': b'%d' % len(body), b'SCRIPT_FILENAME': SCRIPT.encode(),
              b'QUERY_STRING': query, b'SERVER_PROTOCOL': b'HTTP/1.1', b'GATEWAY_INTERFACE': b'CGI/1.1',
              b'REDIRECT_STATUS': b'200', b'FIELD': base64.b64encode(name)}
    message = record(BEGIN, struct.pack('>HB5x', 1, 0))
    message += record(PARAMS, b''.join(pair(k, v) for k, v in params.items())) + record(PARAMS, b'')
    for at in range(0, len(body), 65535):
        message += record(STDIN, body[at:at + 65535])
    message += record(STDIN, b'')
    out = b''
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(path)
        s.sendall(message)
        stream = s.makefile('rb')
        while True:
            _, kind, _, length, padding, _ = struct.unpack('>BBHHBB', read_exactly(stream, 8))
            data = read_exactly(stream, length + padding)[:length]
            if kind == STDOUT:
                out += data
            elif kind == END:
                break
    return out.partition(b'\r\n\r\n')[2].decode('latin-1').rpartition('\n')[2].strip()


def decode(word):
    return b'' if word == '-' else base64.b64decode(word)


def main():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, 'php')
        server = subprocess.Popen(
            ['php-cgi', '-n', '-d', 'display_errors=0', '-d', 'display_startup_errors=0', '-b', path],
            env=dict(os.environ, PHP_FCGI_MAX_REQUESTS='0', PHP_FCGI_CHILDREN='0'),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not os.path.exists(path):
            time.sleep(0.02)
        try:
            for line in sys.stdin:
                try:
                    answer = ask(path, *map(decode, line.split()))
                except (OSError, EOFError) as error:
                    answer = 'E %s' % error
                print(answer or 'E no answer', flush=True)
        finally:
            server.terminate()
            server.wait()


main()
