<?php
// SPDX-License-Identifier: Apache-2.0
// Answers with the value of a field, as php.py asks for it.
$at = $_SERVER['REQUEST_METHOD'] === 'GET' ? $_GET : $_POST;
foreach (preg_split('/[\[\]]+/', base64_decode($_SERVER['FIELD']), -1, PREG_SPLIT_NO_EMPTY) as $key) {
    $at = is_array($at) && array_key_exists($key, $at) ? $at[$key] : null;
}
header('Content-Type: text/plain');
echo $at === null ? 'N' : 'V ' . (base64_encode(is_array($at) ? 'array ' . json_encode($at) : $at) ?: '-');
