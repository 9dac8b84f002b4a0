// SPDX-License-Identifier: Apache-2.0
// Says what Grafana's own schema (the types of @grafana/schema, as JSON schemas) has against a dashboard, one line each.
// Usage: check.js DASHBOARD    (NODE_PATH names where the packages are)
'use strict';
const fs = require('fs');
const path = require('path');
const Ajv = require('ajv').default || require('ajv');
const { createGenerator } = require('ts-json-schema-generator');

const types = path.join(process.env.NODE_PATH, '@grafana/schema/dist/types/raw');
const ajv = new Ajv({ allErrors: true, strict: false });

function validator(file, type) {
    const from = path.join(types, file, 'x/types.gen.d.ts');
    return ajv.compile(createGenerator({ path: from, type, skipTypeCheck: true }).createSchema(type));
}

// Grafana writes a query variable's definition, which its schema doesn't have.
const known = (e) => e.params.additionalProperty === 'definition' && e.instancePath.startsWith('/templating/list/');

function check(name, valid, value) {
    if (valid(value)) return;
    for (const e of valid.errors) {
        if (!known(e)) console.log(`${name}${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`);
    }
}

const dashboard = JSON.parse(fs.readFileSync(process.argv[2]));
check('dashboard', validator('dashboard', 'Dashboard'), dashboard);

// What a kind of panel has for options, and for each of its fields; a dashboard's schema leaves both open.
const kinds = { stat: ['Options'], timeseries: ['Options', 'FieldConfig'], table: ['Options', 'FieldConfig'] };
for (const kind of Object.keys(kinds)) {
    const [options, fields] = kinds[kind].map((type) => validator(`composable/${kind}/panelcfg`, type));
    for (const panel of dashboard.panels.filter((p) => p.type === kind)) {
        check(`${panel.title}, options`, options, panel.options || {});
        if (fields) check(`${panel.title}, fields`, fields, panel.fieldConfig.defaults.custom || {});
    }
}
const strange = dashboard.panels.filter((p) => p.type !== 'row' && !kinds[p.type]).map((p) => p.title);
if (strange.length) console.log(`panels of a kind that isn't checked: ${strange}`);
console.log('checked');
