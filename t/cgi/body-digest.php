<?php
// SPDX-License-Identifier: Apache-2.0
// What body-digest.cgi does, for PHP; needs enable_post_data_reading=off to see a multipart body.
$body = file_get_contents('php://input');
header('Content-Type: text/plain');
echo 'digest=', md5($body), ' length=', strlen($body), ' announced=', $_SERVER['CONTENT_LENGTH'] ?? '-',
    ' type=', $_SERVER['CONTENT_TYPE'] ?? '-', ' method=', $_SERVER['REQUEST_METHOD'], "\n";
