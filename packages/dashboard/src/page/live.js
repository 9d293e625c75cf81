// Keeps the numbers of the page fresh: asks for the summary every second and writes it into what the server rendered.
// Text from logs goes in as text nodes only.

const POLL_MS = 1000
const language = document.documentElement.lang

const show = (key, text) => {
  const place = document.querySelector(`[data-total="${key}"]`)
  if (place !== null && place.textContent !== text) place.textContent = text
}

const number = (value) => value.toLocaleString(language)

const latency = (mean) =>
  mean === null ? '—' : `${mean.toLocaleString(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 })} ms`

const rows = (id, counts) => {
  const body = document.getElementById(id)
  const wanted = counts.map(([name, count]) => {
    const row = document.createElement('tr')
    const head = document.createElement('th')
    head.scope = 'row'
    head.textContent = name
    const cell = document.createElement('td')
    cell.textContent = number(count)
    row.append(head, cell)
    return row
  })
  body?.replaceChildren(...wanted)
}

const refresh = async () => {
  const lost = document.getElementById('lost')
  const waiting = document.getElementById('waiting')
  try {
    const response = await fetch('/api/summary', { signal: AbortSignal.timeout(5000) })
    if (!response.ok) throw new Error(`status ${response.status}`)
    const summary = await response.json()
    show('requests', number(summary.requests))
    show('server_errors', number(summary.server_errors))
    show('client_errors', number(summary.client_errors))
    show('latency', latency(summary.latency_ms.mean))
    show('read', number(summary.lines.read))
    show('malformed', number(summary.lines.malformed))
    rows('by_status', Object.entries(summary.by_status))
    rows(
      'by_service',
      Object.entries(summary.by_service).map(([name, totals]) => [name, totals.requests]),
    )
    if (waiting !== null) waiting.hidden = summary.requests > 0
    if (lost !== null) lost.hidden = true
  } catch {
    if (lost !== null) lost.hidden = false
  }
  setTimeout(refresh, POLL_MS)
}

refresh()
