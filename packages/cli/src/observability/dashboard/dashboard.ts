import {
  type Dashboard,
  DashboardBuilder,
  DatasourceVariableBuilder,
  MappingType,
  type Panel as PanelModel,
  QueryVariableBuilder,
  RowBuilder,
  type ValueMapping,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StateTimeline } from '@grafana/grafana-foundation-sdk/statetimeline'
import { PanelBuilder as TimeSeries } from '@grafana/grafana-foundation-sdk/timeseries'
import { CountsPerSecond, PercentUnit, Seconds, Short } from '@grafana/grafana-foundation-sdk/units'
import { GENERATED } from '../generated.ts'
import { quoted } from '../promql.ts'
import type { Service } from '../service/service.ts'
import type { Panel } from './panel.ts'
import { BREAKER_STATES } from './shield-panels.ts'

// Grafana's identifier of a dashboard has at most 40 characters.
const UID_LENGTH_MAX = 40
const DATASOURCE = { type: 'prometheus', uid: '$datasource' }
/** The grid is 24 wide. */
const PANEL_SIZE = { w: 12, h: 8 }
const UNITS: Readonly<Record<Exclude<Panel['unit'], 'breakerState'>, string>> = {
  perSecond: CountsPerSecond,
  share: PercentUnit,
  seconds: Seconds,
  count: Short,
}

/** Builds the dashboard of a service. */
export function dashboardOf(service: Service, job: string, panels: readonly Panel[]): Dashboard {
  const builder = new DashboardBuilder(`${service.name}: resilience`)
    .uid(`escudo-${service.name.toLowerCase().replace(/[^a-z0-9_-]+/g, '-')}`.slice(0, UID_LENGTH_MAX))
    .description(GENERATED)
    .tags(['escudo', service.name])
    .timezone('browser')
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .variables(variablesOf(job, service.shields.length > 0))
  for (const row of new Set(panels.map((panel) => panel.row))) {
    builder.withRow(new RowBuilder(row))
    for (const panel of panels.filter((one) => one.row === row)) builder.withPanel(panelOf(panel))
  }
  const dashboard = builder.build()
  // The SDK gives no numbers, and Grafana links to panels by them.
  dashboard.panels?.forEach((panel, index) => {
    panel.id = index + 1
  })
  return dashboard
}

type Variable = DatasourceVariableBuilder | QueryVariableBuilder

function variablesOf(job: string, hasShields: boolean): Variable[] {
  return [
    new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
    // This metric exists in every service.
    labelVariable('job', 'Job', 'label_values(escudo_metrics_folded_total, job)').current({
      selected: true,
      text: job,
      value: job,
    }),
    every(labelVariable('instance', 'Instance', 'label_values(escudo_metrics_folded_total{job="$job"}, instance)')),
    ...(hasShields
      ? [
          every(
            labelVariable(
              'shield',
              'Shield',
              `label_values({__name__=~${quoted('escudo_.+')},job="$job"}, escudo_shield)`,
            ),
          ),
        ]
      : []),
  ]
}

function labelVariable(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
}

/** Lets the viewer choose several values; the default is all. */
function every(variable: QueryVariableBuilder): QueryVariableBuilder {
  return variable
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: ['All'], value: ['$__all'] })
}

function panelOf(panel: Panel): { build(): PanelModel } {
  const builder =
    panel.unit === 'breakerState'
      ? new StateTimeline().mappings([stateMapping()])
      : new TimeSeries().unit(UNITS[panel.unit]).min(0).fillOpacity(10)
  builder.title(panel.title).description(panel.question).datasource(DATASOURCE).span(PANEL_SIZE.w).height(PANEL_SIZE.h)
  panel.queries.forEach(({ expr, legend }, index) => {
    const refId = String.fromCharCode('A'.charCodeAt(0) + index)
    builder.withTarget(
      new DataqueryBuilder().refId(refId).datasource(DATASOURCE).expr(expr).range().legendFormat(legend),
    )
  })
  return builder
}

function stateMapping(): ValueMapping {
  const options = BREAKER_STATES.map(
    ({ state, color }, index) => [String(index), { text: state, color, index }] as const,
  )
  return { type: MappingType.ValueToText, options: Object.fromEntries(options) }
}
