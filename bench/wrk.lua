-- Sends the bytes in BENCH_REQUEST again and again, checks every answer, and prints one line of JSON at the end.
-- With BENCH_TOKEN: each answer has, under BENCH_MEMBER, the token that replaces it in the next request.

local bytes, member = os.getenv("BENCH_REQUEST"), os.getenv("BENCH_MEMBER")
token, wrong, first = os.getenv("BENCH_TOKEN") or "", 0, "" -- global: `done` reads them from another state
local sender

function setup(thread)
  sender = thread
end

function request()
  return bytes
end

function response(status, _headers, body)
  if status ~= 200 or body:find('"isError": ?true') or body:find('"error": ?{') then
    wrong = wrong + 1
    if wrong == 1 then
      first = (status .. " " .. body:sub(1, 200)):gsub("[^\32-\126]", " ") .. ""
    end
  elseif member then
    local following = body:match('"' .. member .. '": ?"([^"]+)"')
    local from, to = bytes:find(token, 1, true)
    bytes = bytes:sub(1, from - 1) .. following .. bytes:sub(to + 1)
    token = following
  end
end

function done(summary, latency)
  local failed = summary.errors
  io.write(string.format(
    '{"requests":%d,"microseconds":%d,"bytes":%d,"lost":%d,"median":%d,"p95":%d,"p99":%d,'
      .. '"wrong":%d,"first":%q,"token":%q}\n',
    summary.requests, summary.duration, summary.bytes,
    failed.connect + failed.read + failed.write + failed.timeout,
    latency:percentile(50), latency:percentile(95), latency:percentile(99),
    sender:get("wrong"), sender:get("first"), sender:get("token")
  ))
end
