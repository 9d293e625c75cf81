import { Script } from '../frame/script.tsx'
import { heat } from '../heat/loaded.ts'
import { asTables, columns, f, parts, t } from '../state/state.ts'
import { isByCode, isHeat, isLogAxis, isRangeLoading } from '../state/view.ts'
import { classOf } from '../text/status-class.ts'
import { type Chart, classChart, codeChart, latencyChart, rateOf } from './chart.ts'
import { Empty } from './empty.tsx'
import { Figure } from './figure.tsx'
import { Legend } from './legend.tsx'
import { CLASS_PAINTS, cssPaint } from './paint.ts'
import { Plot } from './plot.tsx'
import { ZoomBar } from './zoom-bar.tsx'

/** Charts of requests and of latency over time, and a table of requests by status. */
export function Charts() {
  const texts = t.value
  const range = parts.value?.range
  if (range === undefined) return null
  const requests = (isByCode.value ? codeChart : classChart)(range, columns.value, texts, f.value)
  const latency = latencyChart(range, columns.value, texts, f.value)
  const { unit } = rateOf(range)
  return (
    <div class="time-charts" aria-busy={isRangeLoading.value}>
      <ZoomBar />
      <p class="visually-hidden" role="status">
        {asTables.value ? texts.tablesShown : texts.chartsShown}
      </p>
      <div class="charts">
        <Figure
          name="requests-chart"
          title={isByCode.value ? texts.requestsByCode : texts.requestsByClass}
          unit={texts.rateUnits[unit]}
          chart={requests}
          controls={
            <Switch
              label={texts.requestsBy}
              options={[texts.byClass, texts.byCode]}
              isSecond={isByCode.value}
              choose={(isSecond) => (isByCode.value = isSecond)}
            />
          }
        >
          <Drawn
            name="requests"
            chart={requests}
            empty={texts.noRequests}
            title={isByCode.value ? texts.requestsByCode : texts.requestsByClass}
          />
        </Figure>
        <Figure
          name="latency-chart"
          title={texts.latency}
          unit={isLogAxis.value || isHeat.value ? texts.logAxis : texts.linearAxis}
          chart={latency}
          hasTable={isHeat.value}
          controls={
            <>
              <Switch
                label={texts.latency}
                options={[texts.asLines, texts.asHeat]}
                isSecond={isHeat.value}
                choose={(isSecond) => (isHeat.value = isSecond)}
              />
              {!isHeat.value && (
                <Switch
                  label={texts.axis}
                  options={[texts.linear, texts.log]}
                  isSecond={isLogAxis.value}
                  choose={(isSecond) => (isLogAxis.value = isSecond)}
                />
              )}
            </>
          }
        >
          {isHeat.value ? (
            <Script of={heat}>{({ HeatView }) => <HeatView />}</Script>
          ) : (
            <Drawn
              name="latency"
              chart={latency}
              empty={columns.value.length === 0 ? texts.noRequests : texts.noLatencies}
              title={texts.latency}
              isLog={isLogAxis.value}
            />
          )}
        </Figure>
        <ByStatus />
      </div>
    </div>
  )
}

interface DrawnProps {
  readonly name: string
  readonly chart: Chart
  readonly title: string
  readonly empty: string
  readonly isLog?: boolean
}

function Drawn({ name, chart, title, empty, isLog = false }: DrawnProps) {
  const values = chart.series.flatMap((series) => series.values).filter((value) => value !== null)
  const highest = values.length === 0 ? 0 : Math.max(...sums(chart))
  const isEmpty = chart.kind === 'lines' ? values.length === 0 : highest === 0
  return (
    <>
      <div class="drawn">
        <Plot name={name} chart={chart} label={t.value.chartLabel(title, chart.format(highest))} isLog={isLog} />
        {isEmpty && <Empty text={empty} />}
      </div>
      <Legend chart={chart} />
    </>
  )
}

/** The highest value of each column: of a stack its height, of lines the highest of them. */
function sums({ kind, times, series }: Chart): readonly number[] {
  return times.map((_, at) => {
    const values = series.map((one) => one.values[at] ?? 0)
    return kind === 'stack' ? values.reduce((sum, value) => sum + value, 0) : Math.max(0, ...values)
  })
}

interface SwitchProps {
  readonly label: string
  readonly options: readonly [string, string]
  readonly isSecond: boolean
  readonly choose: (isSecond: boolean) => void
}

function Switch({ label, options, isSecond, choose }: SwitchProps) {
  return (
    <fieldset class="switch">
      <legend class="visually-hidden">{label}</legend>
      {options.map((option, at) => (
        <button key={option} type="button" aria-pressed={isSecond === (at === 1)} onClick={() => choose(at === 1)}>
          {option}
        </button>
      ))}
    </fieldset>
  )
}

function ByStatus() {
  const texts = t.value
  const entries = Object.entries(parts.value?.summary.by_status ?? {})
  const most = Math.max(1, ...entries.map(([, count]) => count))
  return (
    <section class="figure statuses" aria-labelledby="status-title">
      <h2 id="status-title">{texts.byStatus}</h2>
      {entries.length === 0 && <p class="quiet">{texts.noRequests}</p>}
      <table class="bars">
        <thead class="visually-hidden">
          <tr>
            <th scope="col">{texts.status}</th>
            <th scope="col">{texts.count}</th>
          </tr>
        </thead>
        <tbody id="by_status">
          {entries.map(([status, count]) => (
            <tr key={status}>
              <th scope="row">{status}</th>
              <td>
                <span
                  class="bar"
                  aria-hidden="true"
                  style={{
                    width: `${(count / most) * 55}%`,
                    background: cssPaint(CLASS_PAINTS[classOf(Number(status)) as 'good']),
                  }}
                />
                <span>{f.value.count(count)}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
