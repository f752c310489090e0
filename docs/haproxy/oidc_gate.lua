-- Asks oidc_gate about a request. HAProxy 2.6 or later, with Lua. `oidc-gate explain haproxy.md` explains it.
--
--   http-request lua.oidc_gate 127.0.0.1:4180 __Host-oidc_gate
--
-- Arguments: the address of the gate, and the name of its session cookie. If the gate admits the user, the variable
-- txn.oidc_admitted is true, and the identity is in the headers for the application. Otherwise the gate's answer is
-- sent to the client. On any error the variable is not set: deny the request then.

local IDENTITY = { "user", "email", "groups", "groups-incomplete", "preferred-username", "access-token" }

-- What belongs to the connection or to the body, and what only this script may say to the gate.
local NOT_PASSED_ON = {
    ["connection"] = true, ["content-length"] = true, ["expect"] = true, ["keep-alive"] = true, ["te"] = true,
    ["trailer"] = true, ["transfer-encoding"] = true, ["upgrade"] = true,
    ["x-forwarded-uri"] = true, ["x-forwarded-method"] = true,
}
local PARTS = { [""] = true, [".body"] = true, [".body2"] = true, [".rounds"] = true }
local NOT_SENT_BACK = { ["connection"] = true, ["content-length"] = true, ["transfer-encoding"] = true }

local function question(txn)
    local headers = {}
    for name, values in pairs(txn.http:req_get_headers()) do
        if not NOT_PASSED_ON[name:lower()] then
            headers[name] = values
        end
    end
    headers["x-forwarded-uri"] = { txn.sf:pathq() }
    headers["x-forwarded-method"] = { txn.sf:method() }
    return headers
end

local function first(headers, name)
    for known, values in pairs(headers or {}) do
        if known:lower() == name then
            for _, value in pairs(values) do
                return value
            end
        end
    end
    return nil
end

-- Tells whether a cookie is the session cookie, a part of it, or belongs to a sign-in that has begun.
local function is_of_gate(cookie, name)
    if cookie:sub(1, #name) ~= name then
        return false
    end
    local part = cookie:sub(#name + 1):match("^([^=]-)%s*=") or ""
    return cookie:match("=") and (PARTS[part] or part:match("^%.flow[0-7]$"))
end

local function without_session(text, name)
    local kept = {}
    for pair in text:gmatch("[^;]+") do
        local cookie = pair:match("^%s*(.-)%s*$")
        if not is_of_gate(cookie, name) then
            table.insert(kept, cookie)
        end
    end
    return table.concat(kept, "; ")
end

local function hide_session(txn, name)
    local kept = {}
    for known, values in pairs(txn.http:req_get_headers()) do
        if known:lower() == "cookie" then
            for _, value in pairs(values) do
                local rest = without_session(value, name)
                if rest ~= "" then
                    table.insert(kept, rest)
                end
            end
        end
    end
    txn.http:req_del_header("cookie")
    if #kept > 0 then
        txn.http:req_add_header("cookie", table.concat(kept, "; "))
    end
end

local function send_back(txn, answer)
    local reply = txn:reply({ status = answer.status })
    for name, values in pairs(answer.headers or {}) do
        if not NOT_SENT_BACK[name:lower()] then
            for _, value in pairs(values) do
                reply:add_header(name, value)
            end
        end
    end
    reply:set_body(answer.body or "")
    txn:done(reply)
end

core.register_action("oidc_gate", { "http-req" }, function(txn, gate, cookie)
    local answer = core.httpclient():get({
        url = "http://" .. gate .. "/oauth2/forward",
        headers = question(txn),
    })
    local status = answer and answer.status or 0
    if status >= 300 and status < 500 then
        return send_back(txn, answer)
    elseif status < 200 or status >= 300 then
        return -- the gate is down: not admitted
    end
    for _, suffix in ipairs(IDENTITY) do
        txn.http:req_del_header("x-forwarded-" .. suffix)
        local value = first(answer.headers, "x-auth-request-" .. suffix)
        if value and value ~= "" then
            txn.http:req_add_header("x-forwarded-" .. suffix, value)
        end
    end
    hide_session(txn, cookie)
    local renewed = first(answer.headers, "set-cookie")
    if renewed then
        txn:set_var("txn.oidc_renewed", renewed)
    end
    txn:set_var("txn.oidc_admitted", true)
end, 2)
