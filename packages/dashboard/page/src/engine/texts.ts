import type { Language } from '../text/texts.ts'

/** The texts about a log engine. */
export interface EngineTexts {
  readonly partialTitle: (nodes: readonly string[]) => string
  readonly partialText: (since: string) => string
  readonly unreachableTitle: string
  readonly unreachableText: (since: string) => string
  readonly folded: string
  readonly mapHint: string
  readonly mapSample: (requests: string, from: string, to: string) => string
  readonly mapProblem: string
  readonly limitsTitle: string
  readonly limits: readonly string[]
}

const en: EngineTexts = {
  partialTitle: (nodes) =>
    nodes.length === 1
      ? `Lines are missing: the storage node ${nodes[0]} does not answer.`
      : `Lines are missing: these storage nodes do not answer: ${nodes.join(', ')}.`,
  partialText: (since) =>
    `What is stored there, also of earlier times, has been missing in all figures and in the verdict since ${since}.`,
  unreachableTitle: 'VictoriaLogs does not answer.',
  unreachableText: (since) => `The figures are those before ${since}. The page goes on when it answers again.`,
  folded: 'There are too many routes and errors to count each: those with the fewest requests are missing.',
  mapHint:
    'Services as of now, by their last minute. Calls by the last one or two minutes of the range. Press a service to make it the filter of the page.',
  mapSample: (requests, from, to) =>
    `A sample: this map is made from the newest ${requests} requests of the range that belong to a trace, from ${from} to ${to}. Earlier calls are missing.`,
  mapProblem: 'There is no newer map:',
  limitsTitle: 'What VictoriaLogs cannot tell',
  limits: [
    'Which lines were not recognised, came late or are dated ahead.',
    'Whether the clock of a service is wrong: its lines are shown at their own times.',
    'All calls between services: the map is made from the newest 20,000 requests of the range.',
    'Whether each request came from a user: it is decided for a whole service, by the newest 2,000 requests.',
    'Since when trouble lasts that is older than an hour, and whether an error is older than twice the range.',
    'Latencies in the charts are within 3 %, those of the baseline within 7 %, all others within 1 %.',
  ],
}

const es: EngineTexts = {
  partialTitle: (nodes) =>
    nodes.length === 1
      ? `Faltan líneas: el nodo de almacenamiento ${nodes[0]} no responde.`
      : `Faltan líneas: estos nodos de almacenamiento no responden: ${nodes.join(', ')}.`,
  partialText: (since) =>
    `Lo que guarda, también de antes, falta en todas las cifras y en el veredicto desde las ${since}.`,
  unreachableTitle: 'VictoriaLogs no responde.',
  unreachableText: (since) =>
    `Las cifras son las de antes de las ${since}. La página sigue en cuanto vuelva a responder.`,
  folded: 'Hay demasiadas rutas y errores para contarlos uno a uno: faltan los que tienen menos solicitudes.',
  mapHint:
    'Los servicios, como están ahora, en su último minuto. Las llamadas, en el último minuto o los dos últimos del intervalo. Pulsa un servicio para filtrar la página por él.',
  mapSample: (requests, from, to) =>
    `Una muestra: este mapa sale de las ${requests} solicitudes más recientes del intervalo que pertenecen a una traza, de ${from} a ${to}. Faltan las llamadas anteriores.`,
  mapProblem: 'No hay un mapa más reciente:',
  limitsTitle: 'Lo que VictoriaLogs no puede decir',
  limits: [
    'Qué líneas no se reconocieron, llegaron tarde o tienen una fecha adelantada.',
    'Si el reloj de un servicio va mal: sus líneas se muestran con su propia hora.',
    'Todas las llamadas entre servicios: el mapa sale de las 20 000 solicitudes más recientes del intervalo.',
    'Si cada solicitud viene de un usuario: se decide por servicio, según las 2000 solicitudes más recientes.',
    'Desde cuándo dura un problema de hace más de una hora, y si un error es anterior al doble del intervalo.',
    'Las latencias de los gráficos tienen un error de hasta el 3 %, las de referencia del 7 %, las demás del 1 %.',
  ],
}

export const ENGINE_TEXTS: Readonly<Record<Language, EngineTexts>> = { en, es }
