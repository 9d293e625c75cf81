import type { Summary } from './summary.ts'
import { type Language, TEXTS } from './texts.ts'

/** The page with the numbers of now in it; its script keeps them fresh. */
export function renderPage(summary: Summary, language: Language): string {
  const t = TEXTS[language]
  const other: Language = language === 'es' ? 'en' : 'es'
  const number = (value: number): string => value.toLocaleString(language)
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${t.title}</title>
<link rel="stylesheet" href="/style.css">
<script type="module" src="/live.js"></script>
</head>
<body>
<header>
<h1>${t.title}</h1>
<a href="/?lang=${other}" lang="${other}" hreflang="${other}">${t.otherLanguage}</a>
</header>
<main>
<p id="lost" role="status" hidden>${t.lost}</p>
<p id="waiting"${summary.requests > 0 ? ' hidden' : ''}>${t.waiting}</p>
<dl class="totals">
${total(t.requests, 'requests', number(summary.requests))}
${total(t.serverErrors, 'server_errors', number(summary.server_errors))}
${total(t.clientErrors, 'client_errors', number(summary.client_errors))}
${total(t.meanLatency, 'latency', latency(summary.latency_ms.mean, language))}
</dl>
${table('by_status', t.byStatus, [t.status, t.requests], rowsOf(summary.by_status, number))}
${table('by_service', t.byService, [t.service, t.requests], rowsOf(requestsOf(summary), number))}
</main>
<footer>
<p>${t.lines}: <span data-total="read">${number(summary.lines.read)}</span> ${t.read}, <span data-total="malformed">${number(summary.lines.malformed)}</span> ${t.malformed}</p>
<p>${t.files}: ${summary.files.map((file) => `<code>${escaped(file.path)}</code>`).join(' ')}</p>
</footer>
</body>
</html>
`
}

function total(label: string, key: string, value: string): string {
  return `<div><dt>${label}</dt><dd data-total="${key}">${value}</dd></div>`
}

function table(id: string, caption: string, heads: readonly [string, string], rows: string): string {
  const head = `<thead><tr><th scope="col">${heads[0]}</th><th scope="col">${heads[1]}</th></tr></thead>`
  return `<table><caption>${caption}</caption>${head}<tbody id="${id}">${rows}</tbody></table>`
}

function rowsOf(counts: Readonly<Record<string, number>>, number: (value: number) => string): string {
  return Object.entries(counts)
    .map(([name, count]) => `<tr><th scope="row">${escaped(name)}</th><td>${number(count)}</td></tr>`)
    .join('')
}

function requestsOf(summary: Summary): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(summary.by_service).map(([name, totals]) => [name, totals.requests]))
}

function latency(mean: number | null, language: Language): string {
  if (mean === null) return '—'
  return `${mean.toLocaleString(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 })} ms`
}

/** Log text is text: nothing that a service wrote may become markup. */
function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character)
}
