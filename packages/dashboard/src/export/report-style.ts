/** The style of the report: the colours of the page, in light and dark, and on paper. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;--ground:light-dark(#fbfbfa,#16181d);--ink:light-dark(#16181d,#f1f1ee);--quiet:light-dark(#4f545f,#b0b5c1);--hair:light-dark(#deded9,#353942);--good:light-dark(#3d5a80,#8fb0d9);--client:light-dark(#8a5200,#f0b44c);--server:light-dark(#b52d12,#ff8a70);--degraded:light-dark(#66399c,#c7a8f5)}
body{max-width:1200px;margin:0 auto;padding:24px;background:var(--ground);color:var(--ink);font:14px/1.45 system-ui,sans-serif;font-variant-numeric:tabular-nums}
h1{font-size:16px}h2{margin:32px 0 8px;font-size:14px}p{margin:4px 0}.quiet,caption,dt,th{color:var(--quiet)}
.verdict{margin:16px 0;padding:16px;border-left:8px solid var(--good)}.verdict strong{font-size:24px;line-height:1.25}
.verdict.degraded,.verdict.silent{border-color:var(--degraded)}.verdict.failing{border-color:var(--server)}.verdict.waiting{border-color:var(--quiet)}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(160px,1fr));gap:16px;margin:0}dt{font-size:12px}dd{margin:0}dd.value{font-size:24px}
table{width:100%;border-collapse:collapse}caption{text-align:left}th,td{padding:4px 8px 4px 0;border-bottom:1px solid var(--hair);text-align:left;vertical-align:top;font-weight:400;overflow-wrap:break-word}
th{font-size:12px}tbody th{color:var(--ink);font-size:14px}.scroll table{min-width:640px}td{max-width:480px}.n{text-align:right;white-space:nowrap}.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(320px,1fr));gap:24px}figure{margin:0}
.scroll{overflow-x:auto}.scroll:focus-visible{outline:2px solid var(--good)}
svg{width:100%;height:auto}svg.chart{min-width:480px}svg.defs{position:absolute;width:0;height:0}svg.lane{height:24px}svg text{fill:var(--quiet);font-size:11px}svg .grid{stroke:var(--hair)}
rect.good{fill:var(--good)}rect.client,rect.half-open{fill:url(#hatch)}rect.hatch{fill:var(--client)}rect.server,rect.open{fill:var(--server)}rect.isolated{fill:var(--ground);stroke:var(--server);stroke-width:2}rect.closed,rect.disabled,rect.unknown{fill:var(--quiet)}
path{fill:none;stroke-width:1.5;stroke-linecap:round}path.p50{stroke:var(--good)}path.p95{stroke:var(--degraded);stroke-dasharray:6 3}path.p99{stroke:var(--ink);stroke-dasharray:2 3}path.mean{stroke:var(--client);stroke-dasharray:8 3 2 3}
.legend{font-size:12px}.key{display:inline-block;width:20px;height:10px;margin:0 4px 0 12px;vertical-align:middle}.key:first-child{margin-left:0}
summary{cursor:pointer;color:var(--quiet)}code{overflow-wrap:anywhere}
@media print{body{padding:0}details{display:none}h2,svg,tr{break-inside:avoid}}
`
