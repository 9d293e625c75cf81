import type { Language } from '../text/texts.ts'

/** The texts about a log engine. */
export interface EngineTexts {
  readonly partialTitle: (nodes: readonly string[]) => string
  readonly partialText: (since: string) => string
  readonly unreachableTitle: string
  readonly unreachableText: (since: string) => string
  readonly folded: string
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
  limitsTitle: 'What VictoriaLogs cannot tell',
  limits: [
    'Which lines were not recognised, came late or are dated ahead.',
    'Whether the clock of a service is wrong: its lines are shown at their own times.',
    'Which service calls which: there is no service map.',
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
  limitsTitle: 'Lo que VictoriaLogs no puede decir',
  limits: [
    'Qué líneas no se reconocieron, llegaron tarde o tienen una fecha adelantada.',
    'Si el reloj de un servicio va mal: sus líneas se muestran con su propia hora.',
    'Qué servicio llama a cuál: no hay mapa de servicios.',
    'Si cada solicitud viene de un usuario: se decide por servicio, según las 2000 solicitudes más recientes.',
    'Desde cuándo dura un problema de hace más de una hora, y si un error es anterior al doble del intervalo.',
    'Las latencias de los gráficos tienen un error de hasta el 3 %, las de referencia del 7 %, las demás del 1 %.',
  ],
}

export const ENGINE_TEXTS: Readonly<Record<Language, EngineTexts>> = { en, es }
