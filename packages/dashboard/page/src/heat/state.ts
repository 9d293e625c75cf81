import { computed } from '@preact/signals'
import { f, language } from '../state/state.ts'
import { type HeatChart, limitsOf } from './heat-chart.ts'
import { HEAT_TEXTS } from './texts.ts'

/** The texts of the heatmap in the language of the page. */
export const ht = computed(() => HEAT_TEXTS[language.value])

/** The latencies of a row, with their units. */
export function rowText(row: number, chart: HeatChart): string {
  if (row === chart.zeroRow) return ht.value.zero
  const { from, to } = limitsOf(row, chart)
  return ht.value.range(f.value.duration(from), f.value.duration(to))
}
