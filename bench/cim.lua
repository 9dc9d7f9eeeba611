-- One request of bench/cim again and again, for wrk: wrk -s cim.lua URL -- BODY TYPE WAY
-- BODY is a file, TYPE its Content-Type, WAY "keep", "new" (a connection each) or "pages": an Enumerate of
-- WS-Management and its Pulls with @CONTEXT@ in the file BODY.pull, one connection a thread. The result is
-- one line of JSON.
local threads = {}

local function read(name)
   local file = assert(io.open(name, "rb"))
   local text = file:read("*a")
   file:close()
   return text
end

-- A script that looks at answers costs more than the answers: only where it must.
local function page(pull)
   local first, context = wrk.format(), nil
   lists = 0
   request = function()
      return context and wrk.format(nil, nil, nil, (pull:gsub("@CONTEXT@", context, 1))) or first
   end
   response = function(_, _, text)
      if text:find("EndOfSequence", -300, true) then
         context, lists = nil, lists + 1
      else
         context = text:sub(1, 4000):match("EnumerationContext>([^<]+)<")
      end
   end
end

function setup(thread)
   table.insert(threads, thread)
end

function init(args)
   wrk.method, wrk.body = "POST", read(args[1])
   wrk.headers["Content-Type"] = args[2]
   wrk.headers["CIMOperation"] = "MethodCall"
   if args[3] == "new" then
      wrk.headers["Connection"] = "close"
   elseif args[3] == "pages" then
      page(read(args[1] .. ".pull"))
   end
end

function done(summary, latency, _)
   local lists, wrong = 0, summary.errors
   for _, thread in ipairs(threads) do
      lists = lists + (thread:get("lists") or 0)
   end
   io.write(string.format(
      '{"requests": %d, "usec": %d, "bytes": %d, "p50": %d, "p99": %d, "lists": %d, "wrong": %d}\n',
      summary.requests, summary.duration, summary.bytes, latency:percentile(50),
      latency:percentile(99), lists,
      wrong.connect + wrong.read + wrong.write + wrong.status + wrong.timeout))
end
