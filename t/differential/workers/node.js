// SPDX-License-Identifier: Apache-2.0
// Workers for parsers of Node.js: node.js PARSER. See ../README.md.
'use strict';
const {Readable} = require('stream');
const readline = require('readline');

// A request as parsers want it.
function request(type, body) {
    const r = new Readable({read() {}});
    r.headers = {'content-type': type, 'content-length': String(body.length)};
    r.method = 'POST';
    r.url = '/';
    r.push(body);
    r.push(null);
    return r;
}

// user[email] is body.user.email to some, body['user[email]'] to others.
function values(fields, name) {
    const found = [];
    const add = (v) => {
        if (v === undefined || v === null) return;
        if (typeof v === 'string') found.push(v);
        else if (Array.isArray(v) && v.every((x) => typeof x === 'string')) found.push(...v);
        else found.push('object ' + JSON.stringify(v));
    };
    const own = (o, k) => o !== null && typeof o === 'object' && Object.prototype.hasOwnProperty.call(o, k) ? o[k] : undefined;
    add(own(fields, name));
    const keys = name.split(/[\[\]]+/).filter((k) => k !== '');
    if (keys.length > 1) add(keys.reduce((at, k) => own(at, k), fields));
    return found;
}

function middleware(handler, finish) {
    return (type, body, name) => new Promise((resolve, reject) => {
        const r = request(type, body);
        handler(r, {}, (error) => error ? reject(error) : resolve(values(r.body || {}, name)));
    });
}

function express(options, parse) {
    const body = middleware(require('express').urlencoded(options));
    return async (type, text, name) => type === '?' ? values(parse(text.toString('latin1')), name) : body(type, text, name);
}

const parsers = {
    'express-qs': () => express({extended: true}, (text) => require('qs').parse(text, {allowPrototypes: true})),
    'express-querystring': () => express({extended: false}, require('querystring').parse),
    'multer': () => middleware(require('multer')().any()),
    'formidable': () => (type, body, name) => new Promise((resolve, reject) => {
        const formidable = require('formidable');
        const form = (formidable.formidable || formidable)({multiples: true, maxFields: 0});
        form.parse(request(type, body), (error, fields) => error ? reject(error) : resolve(values(fields, name)));
    }),
    'busboy': () => (type, body, name) => new Promise((resolve, reject) => {
        const busboy = require('busboy')({headers: {'content-type': type}});
        const fields = Object.create(null);
        busboy.on('field', (n, v) => (fields[n] = fields[n] || []).push(v));
        busboy.on('file', (n, stream) => stream.resume());
        busboy.on('error', reject);
        busboy.on('close', () => resolve(values(fields, name)));
        request(type, body).pipe(busboy);
    }),
    // Node's own fetch: new Request(...).formData().
    'undici': () => async (type, body, name) => {
        if (type === '?') return new URL('http://a/?' + body.toString('latin1')).searchParams.getAll(name);
        const form = await new Request('http://a/', {method: 'POST', headers: {'content-type': type}, body}).formData();
        return form.getAll(name).filter((v) => typeof v === 'string');
    },
};

const start = parsers[process.argv[2]];
if (!start) {
    console.error('usage: node.js ' + Object.keys(parsers).join('|'));
    process.exit(2);
}
const read = start();
const decode = (word) => word === '-' ? Buffer.alloc(0) : Buffer.from(word, 'base64');
let fail = () => {};
process.on('uncaughtException', (error) => fail(error));
process.on('unhandledRejection', (error) => fail(error));

async function answer(line) {
    const [type, body, name] = line.split(' ').map(decode);
    let timer;
    try {
        const late = new Promise((_, reject) => {
            fail = reject;
            timer = setTimeout(() => reject(new Error('no answer')), 500);
        });
        const found = await Promise.race([read(type.toString('latin1'), body, name.toString('latin1')), late]);
        const words = found.map((v) => Buffer.from(v).toString('base64') || '-');
        return words.length > 0 ? 'V ' + words.join(' ') : 'N';
    } catch (error) {
        return 'E ' + String(error && error.message || error).replace(/[^ -~]+/g, ' ').slice(0, 80);
    } finally {
        clearTimeout(timer);
    }
}

(async () => {
    for await (const line of readline.createInterface({input: process.stdin})) {
        const text = await answer(line);
        process.stdout.write(text + '\n');
    }
    process.exit(0);
})();
