import { quantile } from '../statistics.ts'
import { type CaseName, type Measured, type Round, ratios } from './measure.ts'

/** Measures the median of the ratios within the same round. */
export function compare(
  above: CaseName,
  below: CaseName,
  figure: keyof Round,
): (figures: { readonly results: readonly Measured[] }) => number | undefined {
  return ({ results }) => {
    const [one, other] = [find(results, above), find(results, below)]
    return one === undefined || other === undefined ? undefined : quantile(ratios(one, other, figure), 0.5)
  }
}

export const isCase = (one: CaseName, { group, by }: CaseName): boolean => one.group === group && one.by === by

/** The measurement of a case, if it was measured. */
export function find(results: readonly Measured[], { group, by }: CaseName): Measured | undefined {
  return results.find((one) => isCase(one, { group, by }))
}
