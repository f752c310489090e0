"""The lines of the configuration that depend on the options, and those that occur more than once."""

from __future__ import annotations

ABOUT = {
    "page": """\
# The sign-in page at the address of the requested page: the recommended form.
#
# Without a session, a browser gets 401 and the sign-in page, at the same address, and a script gets 401 and JSON. One
# location serves both.
""",
    "page-403": """\
# The sign-in page at the address of the requested page, with status 403.
#
# For locations that only browsers use, and for proxies in front of Nginx that do not pass a 401 on. Without a session,
# a browser gets the sign-in page with status 403; a script cannot tell from the status whether it is signed in.
""",
    "redirect": """\
# A redirect (302) to the provider, without a page of the gate.
#
# For locations that only browsers use. It loses forms that were sent, and the part of an address after "#", which
# browsers do not send, if the provider shows a page.
""",
}
SEVERAL_HOSTS = """\
# One gate for several sub-domains.
#
# Users sign in once for all of them. Every host below the cookie's domain gets the session cookie: host nothing there
# that you do not trust.
"""
PLAIN_PORT_NOTE = """\
#
# Another proxy has the certificate (--plain-port): only it may be able to reach this port, and it must pass Host on.
"""
PUBLIC_PATHS_NOTE = """\
#
# public_paths of the settings have no effect on the subrequests of Nginx, until original_uri_header and
# original_method_header are set, and trusted_proxies names Nginx. Then print this file again.
"""
UPSTREAM = """\
upstream application {{
    server {address};   # your application: only Nginx may be able to reach it
    keepalive {keepalive};
}}
"""
UPSTREAM_OF_HOST = """\
upstream {name} {{
    server {address};   # your application: only Nginx may be able to reach it
    keepalive {keepalive};
}}
"""
ORIGIN_MAP = r"""# A page of another origin must not open a WebSocket with the user's cookie. Only browsers send Origin.
map "$http_upgrade $http_origin|$scheme://$http_host" $oidc_foreign_socket {
    "~^ "                                             0;
    "~^[^ ]+ \|"                                      0;
    "~^[^ ]+ (?<oidc_page>[^|]+)\|\k<oidc_page>$"     0;
    default                                           1;
}
"""
ORIGIN_CHECK = """\
if ($oidc_foreign_socket) {
    return 403;
}

"""
TLS = """\
ssl_certificate     {certificate};
ssl_certificate_key {key};
"""
CACHE_ZONE = """\

# Nginx keeps verdicts for {seconds} seconds (--verdict-cache). This more than doubles the throughput, and costs:
# - a user who signs out, or whom the provider signs out, keeps access for up to {seconds} seconds;
# - so does a user who is removed from a group, in addition to the time until the gate learns of it;
# - the files of the cache contain session cookies: only Nginx may be able to read this directory.
proxy_cache_path /var/cache/nginx/oidc_gate levels=1:2 keys_zone=oidc_verdicts:10m max_size=100m inactive=1m;
"""
CACHE = """\
proxy_cache oidc_verdicts;           # the key contains all cookies: no two users share a verdict
proxy_cache_key "{rule}{by_path} $scheme://$host $http_cookie";
proxy_cache_valid 202 {seconds}s;          # never a refusal; an answer with Set-Cookie is not kept either
proxy_ignore_headers Cache-Control;  # the gate says no-store. Never add Set-Cookie here
proxy_cache_bypass $http_upgrade;    # the gate checks the Origin of each WebSocket handshake
proxy_no_cache     $http_upgrade;
"""
AUTHORIZATION_SET = (
    "auth_request_set $oidc_authorization  $upstream_http_authorization;   # pass_authorization\n"
)
AUTHORIZATION_HEADER = "proxy_set_header Authorization                      $oidc_authorization;\n"
ERROR_401 = {
    "page": "error_page 401 = {prefix}/sign_in;             # keeps the gate's status (401) and content type\n",
    "page-403": "error_page 401 =403 {prefix}/sign_in;          # the page, with status 403\n",
    "redirect": "error_page 401 = @oauth2_signin;              # 302 for every request\n",
}
OTHER_ERRORS = """\
error_page 403 {prefix}/sign_in;               # refused: shows who is signed in, offers another account
error_page 500 =503 {prefix}/unavailable;      # the gate cannot decide, or is down
"""
INNER_LOCATIONS = "# Locations inside this one inherit every directive above that they do not repeat.\n"
RESTRICTED = """\
location {path} {{
    auth_request {prefix}/{name};   # only {groups}
    proxy_pass http://{application};
}}
"""
PUBLIC = """\
location {path} {{
    auth_request off;                   # public; the identity headers are empty here
    proxy_pass http://{application};
}}
"""
API_NOTE = "# {path}: scripts get 401 and JSON from the lines above.\n"
API = """\
location {{path}} {
    error_page 401 = {{prefix}}/sign_in;         # 401, and JSON for scripts
    {{other_errors}}
    proxy_pass http://{{application}};
}
"""
NO_BODY = """\
proxy_pass_request_body off;         # the request body is for the application, not for the gate
proxy_set_header Content-Length           "";
"""
GATE_REQUEST = """\
proxy_http_version 1.1;
proxy_set_header Connection               "";
proxy_set_header Host                     $http_host;
proxy_set_header X-Forwarded-For          $remote_addr;
proxy_set_header X-Forwarded-Host         $http_host;
proxy_set_header X-Forwarded-Proto        $scheme;
proxy_set_header X-Auth-Request-Redirect  {target};
proxy_set_header X-Auth-Request-Method    $oidc_method;
proxy_buffer_size {buffer};               # with the default, a Set-Cookie of 3,900 bytes or more is a 500
proxy_buffers 4 {buffer};
"""
GATE_LIMITS = """\
proxy_connect_timeout 2s;            # a gate that hangs counts as down
proxy_read_timeout 5s;
"""
RESTRICTED_VERDICT = """\
location = {{prefix}}/{{name}} {
    internal;
    proxy_pass http://oidc_gate{{prefix}}/auth?allowed_groups={{groups}};
    {{verdict}}
}

"""
START_LOCATION = """\
# The gate makes the redirect to the provider, so that the address of the page arrives intact.
location @oauth2_signin {
    rewrite ^ {{prefix}}/start? break;
    proxy_pass http://oidc_gate;
    proxy_method GET;
    {{no_body}}
    {{gate_request}}
    error_page 502 504 = @oidc_gate_down;
}

"""
GATE_LOCATION = """\
location {{prefix}}/ {
    proxy_pass http://oidc_gate;
    {{gate_request}}
    error_page 502 504 = @oidc_gate_down;
}
"""
DOWN_LOCATION = r"""location @oidc_gate_down {
    default_type text/plain;
    add_header Retry-After   10 always;
    add_header Cache-Control no-store always;
    return 503 "Sign-in is not available at the moment. Please try again in a few seconds.\n";
}
"""
TO_HTTPS = """\
server {{
    listen 80;
    server_name {names};
    return 308 https://$host{port}$request_uri;
}}
"""
