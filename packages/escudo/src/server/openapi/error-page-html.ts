import type { ErrorContract } from '../../errors/contract/contract.ts'
import { type ErrorPage, GENERATED_PAGE, type PageEntry } from './error-page.ts'

/** The page of a code in HTML. It needs no script and no other file. */
export function htmlPage({ locale }: ErrorContract, page: ErrorPage, list: string): string {
  const { code, statuses, kind, retryAfter, advice, entries, service } = page
  return document(
    `${code}: ${service}`,
    `<p><a href="${list}">Errors of ${escaped(service)}</a></p>
<h1>${escaped(code)}</h1>
<dl>
<dt>Status</dt><dd>${statuses.map(escaped).join(', ')}</dd>
<dt>Kind</dt><dd>${escaped(kind)}</dd>
<dt><code>Retry-After</code></dt><dd>${escaped(retryAfter)}</dd>
</dl>
<h2>What to do</h2>
<p>${withCode(advice)}</p>
${entries.map((entry) => entryHtml(entry, locale, entries.length > 1)).join('')}`,
  )
}

/** The list of all codes in HTML. */
export function htmlIndex({ service }: ErrorContract, pages: readonly ErrorPage[]): string {
  const rows = pages.map(
    ({ code, statuses, kind, entries }) =>
      `<tr><td><a href="${escaped(code)}.html">${escaped(code)}</a></td><td>${statuses.map(escaped).join(', ')}</td><td>${escaped(kind.split(':')[0] ?? '')}</td>${message(entries[0])}</tr>\n`,
  )
  return document(
    `Errors of ${service}`,
    `<h1>Errors of ${escaped(service)}</h1>
<table>
<tr><th>Code</th><th>Status</th><th>Kind</th><th>Message</th></tr>
${rows.join('')}</table>
`,
  )
}

function message(entry: PageEntry | undefined): string {
  const { locale = '', text = '' } = entry?.messages[0] ?? {}
  return `<td lang="${escaped(locale)}">${escaped(text)}</td>`
}

function entryHtml({ name, messages, context, body, problem }: PageEntry, locale: string, several: boolean): string {
  const level = several ? 'h3' : 'h2'
  const rows = messages.map(
    ({ locale, text }) => `<tr><th>${escaped(locale)}</th><td lang="${escaped(locale)}">${escaped(text)}</td></tr>\n`,
  )
  return `${several ? `<h2>${escaped(name)}</h2>\n` : ''}<${level}>Message</${level}>
<table>
${rows.join('')}</table>
<${level}>Context</${level}>
${context === undefined ? '<p>Always empty.</p>' : `<p>The JSON Schema of <code>context</code>:</p>\n${code(context)}`}
<${level}>Example</${level}>
<p>As <code>application/json</code>:</p>
${code(body, locale)}
<p>As <code>application/problem+json</code>:</p>
${code(problem, locale)}
`
}

function document(title: string, content: string): string {
  return `<!doctype html>
<!-- ${GENERATED_PAGE} -->
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
</head>
<body>
<main>
${content}</main>
</body>
</html>
`
}

function code(value: unknown, locale?: string): string {
  const language = locale === undefined ? '' : ` lang="${escaped(locale)}"`
  return `<pre${language}><code>${escaped(JSON.stringify(value, undefined, 2))}</code></pre>`
}

/** Our own texts have code between backticks. */
function withCode(text: string): string {
  return escaped(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>')
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
