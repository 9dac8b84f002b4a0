-- SPDX-License-Identifier: Apache-2.0
-- wrk as 100,000 clients, one after the other: X-Forwarded-For walks over addresses, from the number given on. With
-- `once` it stops when it has seen them all. Requests are made beforehand, to leave the time to the server. X-Client
-- says the same: mod_remoteip consumes the header that it reads, and mod_qos has to see one.
local requests, at = {}, 0

function init(args)
    for i = 0, 99999 do
        local address = string.format("10.%d.%d.%d", math.floor(i / 65536), math.floor(i / 256) % 256, i % 256)
        requests[i] = wrk.format("GET", nil, { ["X-Forwarded-For"] = address, ["X-Client"] = address })
    end
    at = tonumber(args[1]) or 0
    if args[2] == "once" then
        local left = 100000
        response = function()
            left = left - 1
            if left == 0 then wrk.thread:stop() end
        end
    end
end

function request()
    at = (at + 1) % 100000
    return requests[at]
end
