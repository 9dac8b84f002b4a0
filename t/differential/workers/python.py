#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Workers for parsers in Python: python.py PARSER. See ../README.md."""
import asyncio
import base64
import io
import logging
import sys
import warnings

warnings.simplefilter('ignore')
logging.disable(logging.CRITICAL)


def is_query(content_type):
    return content_type == b'?'


def environment(content_type, body):
    query = body if is_query(content_type) else b''
    if is_query(content_type):
        content_type = body = b''
    return {
        'REQUEST_METHOD': 'GET' if query else 'POST', 'CONTENT_TYPE': content_type.decode('latin-1'),
        'CONTENT_LENGTH': str(len(body)), 'QUERY_STRING': query.decode('latin-1'), 'SERVER_NAME': 'a', 'SERVER_PORT': '80',
        'SERVER_PROTOCOL': 'HTTP/1.1', 'SCRIPT_NAME': '', 'PATH_INFO': '/', 'HTTP_HOST': 'a',
        'wsgi.input': io.BytesIO(body), 'wsgi.url_scheme': 'http', 'wsgi.errors': io.StringIO(),
        'wsgi.version': (1, 0), 'wsgi.multithread': False, 'wsgi.multiprocess': False, 'wsgi.run_once': False}


def django():
    from django.conf import settings
    settings.configure(ALLOWED_HOSTS=['*'], DEBUG=False, SECRET_KEY='x',
                       INSTALLED_APPS=['django.contrib.contenttypes', 'django.contrib.auth'])
    import django as package
    package.setup()
    from django.contrib.auth.forms import UsernameField
    from django.core.handlers.wsgi import WSGIRequest
    from django.core.exceptions import ValidationError
    field = UsernameField()

    def read(content_type, body, name):
        request = WSGIRequest(environment(content_type, body))
        values = (request.GET if is_query(content_type) else request.POST).getlist(name)
        cleaned = []
        for value in values:  # as the login form reads it
            try:
                cleaned.append(field.clean(value))
            except ValidationError:
                pass
        return values + cleaned
    return read


def werkzeug():
    from werkzeug.wrappers import Request

    def read(content_type, body, name):
        request = Request(environment(content_type, body))
        return (request.args if is_query(content_type) else request.form).getlist(name)
    return read


def webob():
    from webob import Request

    def read(content_type, body, name):
        request = Request(environment(content_type, body))
        return (request.GET if is_query(content_type) else request.POST).getall(name)
    return read


def bottle():
    from bottle import BaseRequest

    # forms['x'] is the same bytes as ISO-8859-1.
    def read(content_type, body, name):
        request = BaseRequest(environment(content_type, body))
        return (request.query if is_query(content_type) else request.forms).decode('utf8').getall(name)
    return read


def cgi():
    import cgi as package

    def read(content_type, body, name):
        form = package.FieldStorage(fp=io.BytesIO(body), environ=environment(content_type, body),
                                    keep_blank_values=True)
        return form.getlist(name)
    return read


def aiohttp():
    from unittest import mock
    from aiohttp import StreamReader
    from aiohttp.test_utils import make_mocked_request
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    async def post(content_type, body, name):
        if is_query(content_type):
            return make_mocked_request('GET', '/?' + body.decode('utf-8', 'surrogateescape')).query.getall(name, [])
        stream = StreamReader(mock.Mock(), 2 ** 20, loop=loop)
        stream.feed_data(body)
        stream.feed_eof()
        request = make_mocked_request('POST', '/', {'Content-Type': content_type.decode('latin-1')},
                                      payload=stream)
        return (await request.post()).getall(name, [])
    return lambda *form: loop.run_until_complete(asyncio.wait_for(post(*form), 5))


def tornado():
    from tornado.httputil import HTTPHeaders, HTTPServerRequest, parse_body_arguments

    def read(content_type, body, name):
        if is_query(content_type):
            return HTTPServerRequest('GET', '/?' + body.decode('latin-1'), connection=object()).arguments.get(name, [])
        arguments, files = {}, {}
        text = content_type.decode('latin-1')
        parse_body_arguments(text, body, arguments, files, HTTPHeaders({'Content-Type': text}))
        return arguments.get(name, [])
    return read


def starlette():
    from starlette.requests import Request
    loop = asyncio.new_event_loop()

    async def post(content_type, body, name):
        async def receive():
            return {'type': 'http.request', 'body': body, 'more_body': False}
        request = Request({'type': 'http', 'method': 'POST', 'path': '/', 'query_string': body,
                           'headers': [(b'content-type', content_type)]}, receive)
        if is_query(content_type):
            return request.query_params.getlist(name)
        return (await request.form()).getlist(name)
    return lambda *form: loop.run_until_complete(asyncio.wait_for(post(*form), 5))


PARSERS = [django, werkzeug, webob, bottle, cgi, aiohttp, tornado, starlette]


def encode(value):
    if hasattr(value, 'filename') or hasattr(value, 'file'):
        return None  # a file
    data = value if isinstance(value, bytes) else str(value).encode('utf-8', 'surrogateescape')
    return base64.b64encode(data).decode() or '-'


def decode(word):
    return b'' if word == '-' else base64.b64decode(word)


def main():
    found = {parser.__name__: parser for parser in PARSERS}
    if len(sys.argv) != 2 or sys.argv[1] not in found:
        sys.exit('usage: python.py ' + '|'.join(found))
    read = found[sys.argv[1]]()
    out = sys.stdout
    sys.stdout = io.StringIO()
    for line in sys.stdin:
        content_type, body, name = map(decode, line.split())
        try:
            values = [encode(value) for value in read(content_type, body, name.decode('latin-1'))]
            answer = ' '.join(['V'] + [value for value in values if value]) if any(values) else 'N'
        except Exception as error:  # whatever it is, the application answers 400 or 500
            answer = 'E ' + ' '.join((type(error).__name__ + ' ' + str(error)).split())[:80]
            answer = answer.encode('ascii', 'replace').decode()
        out.write(answer + '\n')
        out.flush()


main()
