# SPDX-License-Identifier: Apache-2.0
"""Bodies: what honest clients send, and what a grammar of tricks makes of it."""
import random
import urllib.parse

VICTIM = b'admin'

# ---- honest clients ----

NAMES = ['admin', 'Admin', ' admin ', 'j.doe', 'Jürgen', 'José Ñandú', 'محمد', '王小明', 'Zoë😀', 'Дмитрий',
         'user@example.com', 'a+b&c=d', '50% off; "x"', "O'Brien", 'back\\slash', 'נועה', 'ไทย', 'e\u0301', '👨‍👩‍👧',
         'x' * 200, 'a/b?c#d', '[x]', '日本語テキスト', 'ﬁn', 'İstanbul', 'straße', '1', '~tilde~', 'a_b-c.d*e']
BROWSER_SAFE = '*-._'


def browser_urlencode(text):
    return urllib.parse.quote_plus(text, safe=BROWSER_SAFE).replace('~', '%7E')


def multipart(boundary, parts, end=True):
    body = b''
    for head, value in parts:
        body += b'--' + boundary + b'\r\n' + b''.join(line + b'\r\n' for line in head) + b'\r\n' + value + b'\r\n'
    return body + (b'--' + boundary + b'--\r\n' if end else b'')


def disposition(name, *more):
    return b'; '.join([b'Content-Disposition: form-data', b'name="' + name + b'"', *more])


QUERY = b'?'  # stands for a content type: the text is a query string
URLENCODED = b'application/x-www-form-urlencoded'
BROWSER_BOUNDARIES = [b'----WebKitFormBoundary7MA4YWxkTrZu0gW', b'----geckoformboundary8c79e61efa53dc5d441481912ad86759',
                      b'---------------------------735323031399963166993862150']
CLIENT_BOUNDARIES = {'curl -F': b'------------------------d74496d66958873e', 'python-requests': b'0ac55b2ab2d44f24a2b2c3f18fbbb7ca',
                     'axios': b'axios-1.7.2-boundary-0aXbT3mQz_-4', 'form-data': b'--------------------------879736241029538247710152',
                     'undici': b'----formdata-undici-074189043011',
                     'go': b'f8a1cb4b0d3c2ac5d4cd0f6b3f9c7d9d0c3c3be5ea09f0a7a3cd0f5f1e40'}


def honest_urlencoded(name, text):
    rest = '&password=s3cr%25t%21+x&remember=on'
    pair = browser_urlencode(name.decode()) + '=' + browser_urlencode(text)
    for label, media in (('browser', URLENCODED), ('jQuery', URLENCODED + b'; charset=UTF-8'),
                         ('axios', URLENCODED + b';charset=utf-8')):
        yield label, media, ('csrf=a1b2%2F%3D&' + pair + rest).encode()
    quoted = urllib.parse.quote(name.decode(), safe='') + '=' + urllib.parse.quote(text, safe='')
    yield 'curl --data-urlencode', URLENCODED, (quoted + '&password=x').encode()
    yield 'python-requests', URLENCODED, urllib.parse.urlencode({name.decode(): text, 'password': 'x y'}).encode()
    if text.isalnum() and text.isascii():
        yield 'curl -d', URLENCODED, name + b'=' + text.encode() + b'&password=hello'


def honest_multipart(name, text):
    value = text.encode()
    tail = [([disposition(b'password')], b's3cret'),
            ([disposition(b'photo', b'filename=""'), b'Content-Type: application/octet-stream'], b'')]
    upload = [([disposition(b'photo', 'filename="Füße.jpg"'.encode()), b'Content-Type: image/jpeg'],
               b'\xff\xd8\xff\0\r\n--x\r\n\x1a')]
    for boundary in BROWSER_BOUNDARIES:
        media = b'multipart/form-data; boundary=' + boundary
        yield 'browser multipart', media, multipart(boundary, [([disposition(name)], value)] + tail)
        yield 'browser upload', media, multipart(boundary, upload + [([disposition(name)], value)])
    for label, boundary in CLIENT_BOUNDARIES.items():
        media = b'multipart/form-data; boundary=' + boundary
        yield label, media, multipart(boundary, [([disposition(name)], value), ([disposition(b'password')], b'x')])


def honest():
    """Yields (client, name of the field, content type, body, value)."""
    for name in (b'username', b'user_name', b'user[email]', b'log'):
        for text in NAMES:
            for label, media, body in honest_urlencoded(name, text):
                yield label, name, media, body, text.encode()
            for label, media, body in honest_multipart(name, text):
                yield label, name, media, body, text.encode()


# ---- tricks ----

# What some reader gives a meaning to.
TOKENS = [b'\0', b'\t', b'\n', b'\r', b'\r\n', b'\x0b', b'\x0c', b'\x1c', b'\x1f', b' ', b'\x7f', b'\x80', b'\x85', b'\xa0',
          b'\xc2\x85', b'\xc2\xa0', b'\xe2\x80\xa8', b'\xef\xbb\xbf', b'\xc0\xa0', b'\xf5', b'\xff', b'\xc1\xb5', b'\xe2\x80\x8b',
          b'%00', b'%', b'%%', b'%0', b'%u0075', b'%uFF55', b'%m1', b'%1C', b'%C2%85', b'%20', b'%0D%0A', b'%26', b'%3D', b'%3B',
          b'%2B', b'%25', b'%2500', b'%5B', b'%5D', b'%5B%5D', b'%EF%BB%BF', b'%E2%80%A8', b'%C0%A0', b'%F5', b'%FF', b'%C1%B5',
          b'%e2%80%8b', b'%C2%AD', b'%eA%aA%aA', b'%Aa', b'&', b';', b'=', b'+', b'[', b']', b'[]', b'[0]', b'[x]', b'.', b',', b':', b'/', b'\\', b"'",
          b'"', b'\\"', b'--', b'-', b'&amp;', b'&#61;', b'<', b'>', b'<b>', b'*', b'#', b'?', b'|', b'(', b')', b'@', b'_', b'~',
          b'{', b'}', b'$', b'!', b'0', b'a', b'\r\n\r\n', b'\r\n ', b'\r\n\t', b'\n\n', b'charset=utf-16', b'; charset=utf-7',
          b'=?utf-8?q?a?=', b'=?UTF-8?B?YWRtaW4=?=', b'filename=x', b'; filename=""', b"; filename*=utf-8''x", b'; name=username',
          b'; name="username"', b"; name*=utf-8''username", b'; name*0=user; name*1=name', b'multipart/mixed', b'username', b'=admin',
          b'&username=admin', b';username=admin', b'%26username=admin', b'?username=admin', b'username=admin&', b'_charset_=utf-16&']

URL_NAME_TRICKS = ['%s+', '+%s', '%s%%20', '%%20%s', '%s%%00', '%%00%s', '%s%%00x', '%s%%09', '%%09%s', '%s%%0A', '%%0B%s', '%s%%1C',
                   '%s%%C2%%A0', '%%C2%%A0%s', '%s%%E2%%80%%A8', '%%EF%%BB%%BF%s', '\ufeff%s', '%s[]', '%s[0]', '%s[x]', '[%s]', '%s]',
                   '%s[', ']%s', '[]%s', '%s%%5B%%5D', '%s%%5B', '%s.', '.%s', '%s.x', '%s;', ';%s', 'x;%s', '%s%%', '%%%s', '%s%%2',
                   '%s%%u', '%s%%zz', '%s\0', '\0%s', ' %s', '%s ', '\t%s', '\n%s', '\r\n%s', '%s\r\n', '?%s', '#%s', '&%s', '&&%s',
                   '&=&%s', '%s=&%s', '%s&%s', '%s%%3D', '%%26%s', '%%3F%s', "'%s'", '"%s"', '%s\\', '%s:', '$%s', '{%s}', '%s%%AD',
                   '%s%%C2%%AD', '%s%%E2%%80%%8B', '__proto__[%s]', '%s[__proto__]', '%s[length]', '%s[$ne]', '%s%%7F', '%s\x7f',
                   '%s%%2500', '%s%%255B%%255D', '%s:string', '%s:utf8:ustring', '%s%%3Alist', '!%s', '%%21%s', '%s*', '%s(0)', '%s%%2B', '@%s', '%s[]x', '%s[x', '%s[x]y', '%s]x', '%s[[]]', '%s[][x]', '%s[.]']


def respell(name, rnd):
    """Another spelling of a name's letters."""
    at = rnd.randrange(len(name))
    c = name[at:at + 1]
    code = c[0]
    spelled = rnd.choice([c.swapcase(), c + b'%eA%aA%aA', b'%%%02x' % code, b'%%%02X' % code, b'%%u00%02x' % code, b'%%u00%02X' % code,
                          b'%%uff%02x' % (code - 0x20), bytes([code | 0x80]), b'%%%02X' % (code | 0x80),
                          bytes([0xc0 | code >> 6, 0x80 | code & 0x3f]), b'%%%02X%%%02X' % (0xc0 | code >> 6, 0x80 | code & 0x3f),
                          ('%c' % (code + 0xfee0)).encode(), urllib.parse.quote('%c' % (code + 0xfee0)).encode(),
                          c + b'%CC%81', b'%%25%02x' % code, b'%%m%d' % (code & 15), b'%%%c%c' % (code >> 4 | 0x30, code & 15 | 0x60),
                          b'&#%d;' % code, b'\\u00%02x' % code, b'\\x%02x' % code, b'\\' + c, b' ' + c, b'.', b'%5F', b'+', b'['])
    return name[:at] + spelled + name[at + 1:]


def url_name(name, rnd):
    kind = rnd.random()
    if kind < 0.12:
        return name
    if kind < 0.65:
        trick = rnd.choice(URL_NAME_TRICKS)
        return (trick % ((name.decode(),) * trick.replace('%%', '').count('%s'))).encode()
    if kind < 0.85:
        return respell(name, rnd)
    return rnd.choice([b'', b'_charset_', b'x', b'password', b'user', b'_method', b'x' * 300, b'a[b][c]', b'id[]', b'PHPSESSID', b'isindex'])


def value(rnd, text):
    kind = rnd.random()
    if kind < 0.7:
        return text
    if kind < 0.85:
        at = rnd.choice([0, len(text), rnd.randint(0, len(text))])
        return text[:at] + rnd.choice(TOKENS) + text[at:]
    if kind < 0.95:
        return respell(text, rnd)
    return rnd.choice([b'', b'UTF-16', b'utf-7', b'ISO-8859-1', b'windows-1252', b'x' * 3000, b'=', b'[]', b'{"username":"admin"}'])


def tricky_urlencoded(name, rnd):
    pairs = []
    for i in range(rnd.choice([0, 1, 1, 1, 1, 2])):
        text = rnd.choice([b'fresh', b'fresh', VICTIM, b'other'])
        pairs.append(url_name(name, rnd) + rnd.choice([b'=', b'=', b'=', b'=', b'=', b'==', b'', b'%3D', b'=&', b' = ']) + value(rnd, text))
    if rnd.random() < 0.9:
        pairs.insert(rnd.randint(0, len(pairs)), name + b'=fresh')
    if rnd.random() < 0.02:
        pairs[0:0] = [b'a%d=' % i for i in range(rnd.choice([998, 999, 1000, 1001, 1500, 4097]))]
    separator = rnd.choice([b'&'] * 30 + [b';', b'&&', b'&amp;', b'\r\n', b'\n', b'\0', b',', b'&;', b'%26', b'& ', b'|'])
    return separator.join(pairs)


PART_NAME_TRICKS = ['name="%s"', 'name=%s', "name='%s'", 'name="%s" ', 'name = "%s"', 'NAME="%s"', 'Name="%s"', 'name="%s', 'name=%s"',
                    'name="%s "', 'name=" %s"', 'name="%s\\"', 'name="\\%s"', 'name="x"; name="%s"', 'name="%s"; name="x"',
                    'name*=utf-8\'\'%s', 'name="x"; name*=utf-8\'\'%s', 'name*0="%s"', 'name*0="user"; name*1="name"',
                    'name="%s"; filename="a"', 'filename="a"; name="%s"', 'name="%s"; filename=""', 'name="%s"; filename=',
                    'name="%s"; filename*=utf-8\'\'a', 'name="x; name=%s"', 'filename="; name=%s; "; name="x"', 'name="x\\"; name=%s; a=\\""',
                    'filename="\\"; name="%s"; name="x"', "filename='\"; name=%s; '; name=x", 'name="%s[]"', 'name="%s[x]"', 'name="[%s]"',
                    'name="%s]"', 'name="%s["', 'name="%s."', 'name="%s\0"', 'name="%s\0x"', 'name="\t%s"', 'name="%s\t"', 'name="%%s"',
                    'name="=?utf-8?q?%s?="', 'name="%s"; x', 'name="%s";', ';name="%s"', 'x; name="%s"', 'name="%s"x', 'name=%s x',
                    'name="%s", name="x"', 'name="x", name="%s"', 'name="%s";name="x"', 'xname="%s"', 'x name="%s"', 'name="%s"\t;',
                    'name="\ufeff%s"', 'name="%s\u00a0"', 'name="%s\u2028"', 'name="%s%%00"', 'name="%s%%20"', 'name="%s%%5B%%5D"',
                    'name=\u201c%s\u201d', 'name="%s"; filename', 'name="%s"; filename="C:\\\\x\\a"', 'name="%s\x1c"', 'name="\x0b%s"',
                    'name==%s', 'name="%s""', 'name=""%s"', 'name=\\"%s\\"', 'name="%s"; size=1', 'name="%s"; charset=utf-16',
                    'name="a"\r\n name="%s"', 'name="a";\r\n\tname="%s"', 'name="%s\r\n"', 'name="%s\n"', 'filename="a\r\n"; name="%s"']
DISPOSITIONS = [b'Content-Disposition: form-data; '] * 40 + [
    b'content-disposition: form-data; ', b'Content-disposition: form-data; ', b'CONTENT-DISPOSITION: form-data; ',
    b'Content-Disposition:form-data; ', b'Content-Disposition : form-data; ', b' Content-Disposition: form-data; ',
    b'Content-Disposition: Form-Data; ', b'Content-Disposition: form-data;', b'Content-Disposition: form-data ; ',
    b'Content-Disposition: attachment; ', b'Content-Disposition: inline; ', b'Content-Disposition: ', b'Content-Disposition: ;',
    b'Content-Disposition: form-data, ', b'Content-Disposition: form-data\r\n ;', b'Content-Disposition:\tform-data; ',
    b'Content-Disposition:\r\n form-data; ', b'Content_Disposition: form-data; ', b'X-Content-Disposition: form-data; ',
    b'Content-Disposition: form-data; x="', b'X: y\rContent-Disposition: form-data; ', b'X: y\nContent-Disposition: form-data; ',
    b'Content-Disposition: form-data; x=y; ', b'Content-Disposition: file; ', b'Content-Disposition\0: form-data; ',
    b'Content-Disposition: "form-data"; ', b'Content-Disposition: form-data; name=""; ', b'Content-Disposition:  form-data; ']
EXTRA_HEADERS = [b'Content-Type: text/plain', b'Content-Type: text/plain; charset=utf-8', b'Content-Type: text/plain; charset=utf-16le',
                 b'Content-Type: text/plain; charset=utf-7', b'Content-Type: text/plain; charset=cp037', b'Content-Type: text/html',
                 b'Content-Type: application/json', b'Content-Type: application/x-www-form-urlencoded', b'Content-Type:',
                 b'Content-Type: multipart/mixed; boundary=x', b'Content-Type: message/rfc822', b'Content-Type: text/plain;charset="UTF-8"',
                 b'Content-Type: TEXT/PLAIN', b'Content-Type: text/plain; format=flowed', b'Content-Type: application/octet-stream',
                 b'Content-Transfer-Encoding: base64', b'Content-Transfer-Encoding: quoted-printable', b'Content-Transfer-Encoding: 8bit',
                 b'Content-Transfer-Encoding: binary', b'Content-Transfer-Encoding: 7bit', b'Content-Transfer-Encoding: x', b'Content-Length: 0',
                 b'Content-Length: 2', b'Content-Length: 5', b'Content-Length: 9999', b'Transfer-Encoding: chunked', b'Content-Encoding: gzip',
                 b'Content-ID: username', b'X', b'X:', b': x', b'X: ' + b'y' * 3000, b' x', b'\t', b'X: \0', b'Content-Range: bytes 0-1/2',
                 b'Content-Disposition: form-data; name="username"', b'Content-Disposition: form-data; name="x"', b'Expect: 100-continue',
                 b'Content-Description: x', b'MIME-Version: 1.0', b'X: "', b"X: '", b'X: \xff', b'Content-Type: text/plain; charset=ISO-8859-1']


def part(name, rnd):
    label = name
    if rnd.random() < 0.4:
        label = respell(name, rnd) if rnd.random() < 0.5 else rnd.choice([b'x', b'_charset_', b'', b'password', b'user', b'MAX_FILE_SIZE'])
    trick = rnd.choice(PART_NAME_TRICKS) if rnd.random() < 0.4 else 'name="%s"'
    head = [rnd.choice(DISPOSITIONS) + trick.encode().replace(b'%%', b'%').replace(b'%s', label)]
    if rnd.random() < 0.25:
        head.insert(rnd.randint(0, 1), rnd.choice(EXTRA_HEADERS))
    if rnd.random() < 0.03:
        head = []
    text = value(rnd, rnd.choice([b'fresh', VICTIM, VICTIM, b'other']))
    return head, text


BOUNDARIES = [b'XbX'] * 12 + [b'----WebKitFormBoundaryA', b'-', b'--', b'x' * 70, b"a'b", b'a(b)', b'a:b', b'a/b', b'a?b', b'a=b', b'a_b', b'a+b', b'a.b',
                              b'b', b'0', b'x' * 71, b'a,b', b'a b', b'a;b', b'aa', b'a-', b'-a', b'a--', b'XbX\xe9', b'{x}', b'<x>', b'a@b', b'$a', b'a%41']
MULTIPART_TYPES = [b'multipart/form-data; boundary=%s'] * 40 + [
    b'multipart/form-data; boundary="%s"', b'multipart/form-data;boundary=%s', b'multipart/form-data; Boundary=%s', b'multipart/form-data; boundary=%s; charset=utf-8',
    b'multipart/form-data; charset=utf-8; boundary=%s', b'multipart/form-data; charset=utf-16; boundary=%s', b'Multipart/Form-Data; boundary=%s',
    b'multipart/form-data; boundary=%s; boundary=YbY', b'multipart/form-data; boundary=YbY; boundary=%s', b'multipart/form-data; boundary=%s,x',
    b'multipart/form-data, multipart/form-data; boundary=%s', b'multipart/form-data boundary=%s', b'multipart/form-data; boundary=%s ', b'multipart/form-data; boundary= %s',
    b"multipart/form-data; boundary='%s'", b'multipart/form-data; boundary*=utf-8\'\'%s', b'multipart/form-data; boundary*0=%s', b'multipart/form-data; x="; boundary=YbY"; boundary=%s',
    b'multipart/form-data; x=boundary=YbY; boundary=%s', b'multipart/form-data; boundary=%s; x="/json"', b'multipart/mixed; boundary=%s', b'multipart/related; boundary=%s',
    b'multipart/form-data; boundary=%s;', b'multipart/form-data ; boundary=%s', b'multipart/form-data; boundary="%s', b'multipart/form-data; boundary=%s"', b'multipart/form-data; boundary=\\%s',
    b'multipart/form-data;; boundary=%s', b'multipart/form-data; a; boundary=%s', b'multipart/form-data; boundary=%s\t', b' multipart/form-data; boundary=%s', b'multipart/form-datax; boundary=%s']
FILLERS = [b'', b'', b'', b'\r\n', b'x\r\n', b'x', b'\n', b'username=admin&', b'--\r\n', b'--XbX', b'preamble\r\n\r\n', b' ', b'Content-Disposition: form-data; name="username"\r\n\r\nadmin\r\n']


def tricky_multipart(name, rnd):
    """Yields the content type and the body."""
    boundary = rnd.choice(BOUNDARIES)
    media = rnd.choice(MULTIPART_TYPES).replace(b'%s', boundary)
    parts = [part(name, rnd) for _ in range(rnd.choice([0, 1, 1, 1, 2]))]
    if rnd.random() < 0.92:
        parts.insert(rnd.randint(0, len(parts)), ([disposition(name)], b'fresh'))
    newline = rnd.choice([b'\r\n'] * 30 + [b'\n', b'\r', b'\n\r'])
    body = rnd.choice(FILLERS) if rnd.random() < 0.15 else b''
    for head, text in parts:
        end = rnd.choice([b''] * 40 + [b' ', b'\t', b'  ', b'-', b'x', b'\0', b'--', b'\r', b';'])
        body += b'--' + boundary + end + newline + b''.join(line + newline for line in head)
        body += rnd.choice([newline] * 40 + [b'', b'\n', b'\r\n\r\n', b' \r\n', b'\r', b'\n\n']) + text
        body += rnd.choice([newline] * 40 + [b'', b'\n', b'\r', b'\r\n\r\n', b'\r\n '])
    ending = rnd.choice([b'--\r\n'] * 30 + [b'--', b'', b'-', b'--x', b'-- \r\n', b'\r\n', b'--\n', b'--\r\n\r\n', b'--\r\n--'])
    body += b'--' + boundary + ending
    if rnd.random() < 0.1:
        extra = part(name, rnd)
        body += rnd.choice(FILLERS) + multipart(rnd.choice([boundary, b'YbY']), [extra], rnd.random() < 0.5)
    return media, body


URL_TYPES = [URLENCODED] * 40 + [URLENCODED + tail for tail in (
    b'; charset=utf-8', b';charset=UTF-8', b'; charset=iso-8859-1', b'; charset=utf-16', b'; charset=utf-7', b'; charset=cp037', b'; charset=windows-1252', b'; charset="utf-8"',
    b'; charset=utf-8; charset=utf-16', b'; boundary=x', b'; v="/json"', b'; x="application/json"', b', application/json', b',multipart/form-data; boundary=x', b';', b' ',
    b'; charset', b'; charset=', b'; CHARSET=utf-7', b' ; charset=utf-8', b'; multipart/form-data; boundary=x', b'x', b'+json', b'/json', b'; charset=UTF8', b"; charset='utf-7'")] + [
    b'Application/X-WWW-Form-Urlencoded', b'APPLICATION/X-WWW-FORM-URLENCODED', b' application/x-www-form-urlencoded', b'text/plain', b'application/json', b'',
    b'application/x-url-encoded', b'text/plain, application/x-www-form-urlencoded', b'application/x-www-form-urlencoded\t']


def mutate(data, rnd, forbidden=b''):
    """Puts a token somewhere, takes bytes away, or repeats some."""
    for _ in range(rnd.choice([1, 1, 1, 2, 3])):
        at = rnd.randint(0, len(data))
        kind = rnd.random()
        if kind < 0.6:
            token = rnd.choice(TOKENS)
        elif kind < 0.7:
            token = bytes([rnd.randrange(256)])
        elif kind < 0.85:
            start = rnd.randint(0, len(data))
            token = data[start:start + rnd.choice([1, 2, 4, 8, 30])]
        else:
            token = b''
        cut = rnd.choice([0, 0, 0, 1, 1, 2, 5]) if token else rnd.choice([1, 1, 2, 4])
        if not any(c in forbidden for c in token):
            data = data[:at] + token + data[at + cut:]
    return data


NOT_IN_HEADERS = bytes(c for c in range(256) if c < 32 and c != 9 or c == 127)


def tricky(rnd):
    """Returns the name of the wanted field, a content type and a body."""
    name = rnd.choice([b'username'] * 8 + [b'user_name', b'user[email]', b'log', b'j_username'])
    if rnd.random() < 0.5:
        media, body = rnd.choice(URL_TYPES), tricky_urlencoded(name, rnd)
    else:
        media, body = tricky_multipart(name, rnd)
    kind = rnd.random()
    if kind < 0.15:
        body = mutate(body, rnd)
    elif kind < 0.2:
        media = mutate(media, rnd, NOT_IN_HEADERS)
    return name, clean_header(media), body


def mutated(rnd, samples):
    """An honest body with a second field of the victim's name added in some way, and then mutated."""
    _, name, media, body, _ = rnd.choice(samples)
    if media.startswith(URLENCODED):
        decoy = rnd.choice([name + b'=admin', respell(name, rnd) + b'=admin', b'x=y'])
        body = rnd.choice([decoy + b'&' + body, body + b'&' + decoy, body])
    else:
        boundary = media.partition(b'boundary=')[2]
        decoy = multipart(boundary, [([disposition(rnd.choice([name, respell(name, rnd), b'x']))], b'admin')], False)
        body = rnd.choice([decoy + body, body[:-len(boundary) - 6] + decoy + body[-len(boundary) - 6:], body + decoy, body])
    if rnd.random() < 0.9:
        body = mutate(body, rnd)
    else:
        media = mutate(media, rnd, NOT_IN_HEADERS)
    return name, clean_header(media), body


def clean_header(media):
    """httpd takes blanks off the ends, and refuses controls."""
    return media.strip(b' \t')


NOT_IN_QUERIES = bytes(c for c in range(256) if c <= 32 or c in b'#\x7f')


def tricky_query(rnd):
    """Returns the name of the wanted field, `?` and a query string."""
    name = rnd.choice([b'username'] * 8 + [b'user_name', b'user[email]', b'log'])
    text = tricky_urlencoded(name, rnd)
    if rnd.random() < 0.2:
        text = mutate(text, rnd)
    return name, QUERY, bytes(c for c in text if c not in NOT_IN_QUERIES)


def bodies(seed, count):
    rnd = random.Random(seed)
    samples = list(honest())
    for i in range(count):
        yield tricky_query(rnd) if i % 5 == 4 else tricky(rnd) if i % 3 else mutated(rnd, samples)
