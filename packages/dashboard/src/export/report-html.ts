import { createHash } from 'node:crypto'
import type { Shown } from './csv-tables.ts'
import { Html, html } from './html.ts'
import {
  breakersSection,
  chartsSection,
  errorsSection,
  type Section,
  sourcesSection,
  tablesSection,
  tilesSection,
} from './report-sections.ts'
import { REPORT_STYLE } from './report-style.ts'
import { asOf, formatsOf, type Language, lastingOf, remarksOf, sentenceOf, signOf, TEXTS, whyOf } from './wording.ts'

// Only this style may apply, and nothing may be loaded: the report is read offline, and shows texts of strangers.
const STYLE_HASH = createHash('sha256').update(REPORT_STYLE).digest('base64')

/** The policy of the report, as a header. */
export const REPORT_POLICY: string = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'`

const HEADINGS = {
  es: { state: 'Estado', code: 'Código', message: 'Mensaje' },
  en: { state: 'State', code: 'Code', message: 'Message' },
} as const

/** Writes what is shown as one HTML file, which needs no script and loads nothing. `now` is the reader's clock. */
export function reportHtml(shown: Shown, language: Language, now: number): string {
  const texts = TEXTS[language]
  const format = formatsOf(language)
  const section: Section = { ...shown, texts, format, headings: HEADINGS[language] }
  const { range, health, summary } = shown.parts
  const isWaiting = health.state === 'waiting'
  const document = html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${REPORT_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>escudo · ${format.day(now)}</title>
<style>${new Html(REPORT_STYLE)}</style>
</head>
<body>
<header><h1>escudo · ${texts.title}</h1>
<p class="quiet">${format.day(now)} · ${texts.range}: ${format.day(range.from)} – ${format.day(range.to)}</p></header>
<main>
${verdict(section, now)}
${isWaiting ? undefined : [tilesSection(section), chartsSection(section), tablesSection(section)]}
${isWaiting ? undefined : [breakersSection(section), errorsSection(section)]}
${sourcesSection(section)}
</main>
<footer><p class="quiet">${texts.whatWasRead}: ${texts.linesRead(format.count(summary.lines.read))} · ${texts.malformed(format.count(summary.lines.malformed))} · ${texts.late(format.count(summary.lines.late))}</p></footer>
</body>
</html>
`
  return document.text
}

function verdict({ parts, texts, format }: Section, now: number): Html {
  const { health } = parts
  const remarks = [
    asOf(health, texts, format, now),
    lastingOf(health, texts, format, now),
    ...remarksOf(health, texts, format),
  ]
  const waiting = health.waiting === undefined ? '' : whyOf(health.waiting, texts, format)
  const text = health.state === 'waiting' ? waiting : remarks.filter((each) => each !== '').join(' ')
  return html`<section class="verdict ${health.state}"><p><strong><span aria-hidden="true">${signOf(health.state)}</span> ${sentenceOf(health, texts, format, now)}</strong></p><p>${text}</p></section>`
}
