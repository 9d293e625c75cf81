import type { Call } from '../../../src/report/calls.ts'
import type { Language } from '../text/texts.ts'

/** The texts of the service map. */
export interface MapTexts {
  readonly hint: string
  readonly noCalls: string
  readonly alone: (n: string) => string
  readonly tooLong: string
  readonly more: (n: string) => string
  readonly noLog: string
  readonly failed: (share: string) => string
  readonly states: Readonly<Record<Call['state'], string>>
  readonly knownBy: Readonly<Record<Call['known_by'], string>>
  readonly calls: string
  readonly call: string
  readonly failures: string
  readonly breaker: string
  readonly source: string
  readonly breakerIs: (name: string, state: string) => string
}

const en: MapTexts = {
  hint: 'As of now, whatever range is shown: services by their last minute, calls by their last one or two. Press a service to make it the filter of the page.',
  noCalls:
    'No line tells who calls whom: it takes parent_span_id, trace ids, or shields that are named after services.',
  alone: (n) => `Without known calls (${n})`,
  tooLong: 'The chain of calls is too long to be drawn at this width.',
  more: (n) => `Further calls, with less trouble: ${n}. /api/map has all of them.`,
  noLog: 'no log known',
  failed: (share) => `${share} failed`,
  states: {
    healthy: 'calls',
    degraded: 'some calls fail',
    failing: 'calls fail',
    idle: 'no calls now',
    unknown: 'calls not counted',
  },
  knownBy: { span: 'parent spans', trace: 'traces', shield: 'the name of a shield' },
  calls: 'Rate',
  call: 'Call',
  failures: 'Failed',
  breaker: 'Breaker',
  source: 'Known by',
  breakerIs: (name, state) => `breaker ${name}: ${state}`,
}

const es: MapTexts = {
  hint: 'Es el estado de ahora, sea cual sea el rango: los servicios en su último minuto, las llamadas en el último o los dos últimos. Pulsa un servicio para filtrar la página por él.',
  noCalls:
    'Ninguna línea dice quién llama a quién: hace falta parent_span_id, ids de traza, o escudos con el nombre de un servicio.',
  alone: (n) => `Sin llamadas conocidas (${n})`,
  tooLong: 'La cadena de llamadas es demasiado larga para dibujarla con esta anchura.',
  more: (n) => `Más llamadas, con menos problemas: ${n}. Todas están en /api/map.`,
  noLog: 'sin log conocido',
  failed: (share) => `falla el ${share}`,
  states: {
    healthy: 'llamadas',
    degraded: 'alguna llamada falla',
    failing: 'las llamadas fallan',
    idle: 'ahora sin llamadas',
    unknown: 'llamadas sin contar',
  },
  knownBy: { span: 'spans padre', trace: 'trazas', shield: 'el nombre de un escudo' },
  calls: 'Ritmo',
  call: 'Llamada',
  failures: 'Fallidas',
  breaker: 'Cortacircuitos',
  source: 'Se sabe por',
  breakerIs: (name, state) => `cortacircuitos ${name}: ${state}`,
}

/** The texts of the map by language. */
export const MAP_TEXTS: Readonly<Record<Language, MapTexts>> = { es, en }
