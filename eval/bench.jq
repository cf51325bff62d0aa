# Puts eval/bench's measurements into one document.
def stat: sort | {median: .[length / 2 | floor], min: .[0], max: .[-1]};
def two: . * 1000 | round / 1000;
def with_ratio: (.contenders[0].ns.median) as $first
	| .contenders |= map({name, kind, x: (if $first > 0 then (.ns.median / $first | two) else null end)} + .);
def handoffs: [.contenders | range(0; length; 2) as $i | .[$i] as $whole | .[$i + 1] as $cut
	| {bytes: ($whole.name | ltrimstr("whole ") | tonumber), whole: $whole.ns, cut: $cut.ns,
		x: (if $whole.ns.median > 0 then ($cut.ns.median / $whole.ns.median | two) else null end),
		more: (($cut.ns.median - $whole.ns.median) * 10 | round / 10)}];
def afxdp: if type == "object" then . elif any(.[]; .skipped) then (map(select(.skipped))[0]) else
	(map(. + {pps: (.received / .seconds | round)}) | group_by(.round)
		| map({cleaved: (map(select(.who == "cleaved"))[0].pps), testpmd: (map(select(.who == "testpmd"))[0].pps)})) as $rounds
	| {cleaved: ($rounds | map(.cleaved) | stat), testpmd: ($rounds | map(.testpmd) | stat),
		x: ($rounds | map(.cleaved / .testpmd | two) | stat), rounds: $rounds} end;

{when: $when, kernel: $kernel, cpu: $cpu, cpus: ($cpus | tonumber), load: ($load | tonumber), quick: ($quick == 1),
	examples: ($examples[0] | map(with_ratio)), handoff: ($handoff[0] | handoffs), afxdp: ($afxdp[0] | afxdp),
	builds: $builds[0]}
