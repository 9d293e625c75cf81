/** The languages of the page. */
export type Language = 'es' | 'en'

/** Every text of the page. */
export interface Texts {
  readonly title: string
  readonly requests: string
  readonly serverErrors: string
  readonly clientErrors: string
  readonly meanLatency: string
  readonly byStatus: string
  readonly byService: string
  readonly status: string
  readonly service: string
  readonly lines: string
  readonly read: string
  readonly malformed: string
  readonly waiting: string
  readonly lost: string
  readonly files: string
  readonly otherLanguage: string
}

/** The texts by language. */
export const TEXTS: Readonly<Record<Language, Texts>> = {
  es: {
    title: 'Salud de los servicios',
    requests: 'Peticiones',
    serverErrors: 'Errores de servidor (5xx)',
    clientErrors: 'Errores de cliente (4xx)',
    meanLatency: 'Latencia media',
    byStatus: 'Peticiones por código de estado',
    byService: 'Peticiones por servicio',
    status: 'Código',
    service: 'Servicio',
    lines: 'Líneas de log',
    read: 'leídas',
    malformed: 'ilegibles',
    waiting: 'Esperando datos: aún no hay ninguna petición en estos ficheros.',
    lost: 'Sin conexión con el panel; los números son los últimos recibidos.',
    files: 'Ficheros',
    otherLanguage: 'English',
  },
  en: {
    title: 'Health of the services',
    requests: 'Requests',
    serverErrors: 'Server errors (5xx)',
    clientErrors: 'Client errors (4xx)',
    meanLatency: 'Mean latency',
    byStatus: 'Requests by status code',
    byService: 'Requests by service',
    status: 'Status',
    service: 'Service',
    lines: 'Log lines',
    read: 'read',
    malformed: 'malformed',
    waiting: 'Waiting for data: no request yet in these files.',
    lost: 'The dashboard cannot be reached; these are the last numbers that came.',
    files: 'Files',
    otherLanguage: 'Español',
  },
}

/** The language of a page: the one that its address names, else the first of ours that the browser wants, else Spanish. */
export function languageOf(query: URLSearchParams, acceptLanguage: string | undefined): Language {
  const asked = query.get('lang')
  if (asked === 'es' || asked === 'en') return asked
  const wanted = (acceptLanguage ?? '')
    .split(',')
    .map((range) => {
      const [tag = '', ...parameters] = range.trim().toLowerCase().split(';')
      const quality = parameters.map((one) => /^\s*q=(.*)$/.exec(one)?.[1]).find((one) => one !== undefined)
      return { language: tag.trim().split('-')[0], quality: quality === undefined ? 1 : Number(quality) }
    })
    .filter((one) => one.quality > 0 && (one.language === 'es' || one.language === 'en'))
    .sort((a, b) => b.quality - a.quality)
  return wanted[0]?.language === 'en' ? 'en' : 'es'
}
