import { language, parts } from '../state/state.ts'
import { viewQuery } from '../state/view.ts'

const CSV_NAMES = ['requests', 'services', 'routes', 'errors', 'breakers'] as const
const TEXTS = {
  es: {
    title: 'Descargar lo que se ve',
    report: 'Informe (HTML)',
    names: {
      requests: 'peticiones',
      services: 'servicios',
      routes: 'rutas',
      errors: 'errores',
      breakers: 'cortacircuitos',
    },
  },
  en: {
    title: 'Download what is shown',
    report: 'Report (HTML)',
    names: { requests: 'requests', services: 'services', routes: 'routes', errors: 'errors', breakers: 'breakers' },
  },
} as const

/** Links to files of what the page shows: a report, and its tables. */
export function Downloads() {
  if (parts.value === undefined) return null
  const texts = TEXTS[language.value]
  const query = viewQuery.value
  return (
    <section class="downloads" aria-label={texts.title}>
      <span class="quiet">{texts.title}:</span>{' '}
      <a href={`api/report?${query}&lang=${language.value}`} download="escudo-report.html">
        {texts.report}
      </a>
      {CSV_NAMES.map((name) => (
        <span key={name}>
          {' · '}
          <a href={`api/${name}.csv?${query}`} download={`escudo-${name}.csv`}>
            CSV: {texts.names[name]}
          </a>
        </span>
      ))}
    </section>
  )
}
