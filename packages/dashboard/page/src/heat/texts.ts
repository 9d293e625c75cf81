import type { Language } from '../text/texts.ts'

/** The texts of the heatmap. */
export interface HeatTexts {
  readonly label: (total: string, lowest: string, highest: string) => string
  readonly keys: string
  readonly range: (from: string, to: string) => string
  readonly zero: string
  readonly requests: (n: string) => string
  readonly share: (share: string, all: string) => string
  readonly perCell: string
  readonly atLeast: (n: string) => string
  readonly latencies: string
  readonly count: string
  readonly columns: (n: string, width: string) => string
  readonly whole: string
}

const en: HeatTexts = {
  label: (total, lowest, highest) =>
    `Latency heatmap: ${total} requests with a latency, from ${lowest} to ${highest}. Press t for the table.`,
  keys: 'The arrow keys move between cells, Page Up and Page Down by ten columns, Home and End to the first and last one.',
  range: (from, to) => `${from} to ${to}`,
  zero: 'less than 1 µs',
  requests: (n) => (n === '1' ? '1 request' : `${n} requests`),
  share: (share, all) => `${share} of ${all} in this column`,
  perCell: 'requests per cell:',
  atLeast: (n) => `${n} or more`,
  latencies: 'Latencies: requests (share)',
  count: 'Requests',
  columns: (n, width) => `Columns with latencies: ${n}, ${width} each.`,
  whole: 'Whole range',
}

const es: HeatTexts = {
  label: (total, lowest, highest) =>
    `Mapa de calor de la latencia: ${total} peticiones con latencia, de ${lowest} a ${highest}. La tecla t muestra la tabla.`,
  keys: 'Las flechas cambian de celda, Re Pág y Av Pág saltan diez columnas, Inicio y Fin van a la primera y a la última.',
  range: (from, to) => `de ${from} a ${to}`,
  zero: 'menos de 1 µs',
  requests: (n) => (n === '1' ? '1 petición' : `${n} peticiones`),
  share: (share, all) => `${share} de ${all} en esta columna`,
  perCell: 'peticiones por celda:',
  atLeast: (n) => `${n} o más`,
  latencies: 'Latencias: peticiones (parte)',
  count: 'Peticiones',
  columns: (n, width) => `Columnas con latencias: ${n}, de ${width} cada una.`,
  whole: 'Todo el rango',
}

/** The texts of the heatmap by language. */
export const HEAT_TEXTS: Readonly<Record<Language, HeatTexts>> = { es, en }
