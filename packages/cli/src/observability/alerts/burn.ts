import { technicalErrorShare } from '../shares.ts'
import type { Alert, AlertParts } from './alert.ts'

/** One pair of windows. */
interface Burn {
  readonly longHours: number
  readonly shortMinutes: number
  /** How many times faster than allowed the budget is used up. */
  readonly factor: number
  readonly severity: Alert['severity']
}

// The windows and factors of Google's "The Site Reliability Workbook", chapter "Alerting on SLOs", for 30 days. The long
// window keeps a short peak from raising an alert. The short window ends the alert soon after the errors end.
const BURNS: readonly Burn[] = [
  { longHours: 1, shortMinutes: 5, factor: 14.4, severity: 'critical' },
  { longHours: 6, shortMinutes: 30, factor: 6, severity: 'critical' },
  { longHours: 24, shortMinutes: 120, factor: 3, severity: 'warning' },
  { longHours: 72, shortMinutes: 360, factor: 1, severity: 'warning' },
]
const BUDGET_DAYS = 30
const DIGITS = 6

/** The alerts on the error budget: how fast technical errors use it up. */
export function burnAlerts({ service, minutes, objective }: AlertParts): readonly Alert[] {
  return BURNS.map(({ longHours, shortMinutes, factor, severity }) => {
    const allowed = Number((((100 - objective) / 100) * factor).toPrecision(DIGITS))
    const above = (window: string): string => `${technicalErrorShare(service, window, 'job')} > ${allowed}`
    const long = minutes(longHours * 60)
    const days = Number((BUDGET_DAYS / factor).toPrecision(2))
    return {
      name: `EscudoErrorBudgetBurn${longHours}h`,
      severity,
      expr: `${above(long)} and ${above(minutes(shortMinutes))}`,
      summary: `{{ $labels.job }}: {{ $value | humanizePercentage }} of the requests fail; the error budget lasts ${days} days`,
      description: `Over ${long}, technical errors use up the error budget at more than ${factor === 1 ? '' : `${factor} times `}the allowed rate. The objective is ${objective} % of the requests without one, over ${BUDGET_DAYS} days. Look at "Error answers by code" for what fails, then at the shields of the dependencies behind it.`,
      when: `Technical errors are above ${Number((allowed * 100).toPrecision(DIGITS))} % both over ${long} and over ${minutes(shortMinutes)}. The budget then lasts ${days} days.`,
    }
  })
}
