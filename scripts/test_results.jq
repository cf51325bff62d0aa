# meson's testlog.json, all lines as one array -> each failure and skip, and the closing line.
def short: .name | sub("^[^/]*/ "; "");
def reason: (.stdout // "") | split("\n") | map(select(test("skip"; "i"))) | last // "";
def unexplained: .result == "SKIP" and reason == "";

map(. + {kind: (if .result == "OK" then "passed"
	elif .result == "SKIP" and (unexplained | not) then "skipped"
	else "failed" end)})
| (.[] | select(.kind == "skipped") | "skipped \(short): \(reason | sub("^skipped: *"; ""))"),
  (.[] | select(.kind == "failed")
	| "failed \(short): \(if unexplained then "skipped without a reason" else .result end)"),
  "\(map(select(.kind == "passed")) | length) passed, \(map(select(.kind == "failed")) | length) failed, \(
	map(select(.kind == "skipped")) | length) skipped"
