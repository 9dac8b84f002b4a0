-- SPDX-License-Identifier: Apache-2.0
-- wrk posts a login form of 1 KiB.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.body = "username=alice&password=wonderland&token="
wrk.body = wrk.body .. string.rep("x", 1024 - #wrk.body)
