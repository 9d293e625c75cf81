import { Fragment } from 'preact'
import type { Row } from '../../../src/report/tables.ts'
import { choose, route, service } from '../state/selection.ts'
import { parts, t } from '../state/state.ts'
import { signOf } from '../verdict/sentences.ts'
import { SortableTable } from './sortable-table.tsx'

/** The tables of services and of routes: each row can become the filter of the page. */
export function Tables() {
  const texts = t.value
  const data = parts.value
  if (data === undefined) return null
  const { services, routes } = data.tables
  const chosen = service.value
  return (
    <div class="tables">
      <SortableTable
        name="services"
        title={texts.servicesTable}
        heading={texts.service}
        table={services}
        nameOf={(row) => row.service}
        label={(row) => (
          <>
            <RowButton
              text={row.service}
              isChosen={chosen === row.service && route.value === undefined}
              toggle={(isChosen) => (isChosen ? choose() : choose(row.service))}
            />
            {row.state !== undefined && (
              <span class={`state ${row.state}`}>
                <span aria-hidden="true">{signOf(row.state)}</span> {texts.stateNames[row.state]}
              </span>
            )}
            {row.instances !== undefined && (
              <span class="quiet">{texts.instances(row.instances.length, silentOf(row.instances).join(', '))}</span>
            )}
          </>
        )}
      />
      <SortableTable
        name="routes"
        title={chosen === undefined ? texts.routesTable : texts.routesOf(chosen)}
        heading={texts.route}
        table={routes}
        nameOf={routeNameOf}
        label={(row) => <RouteLabel row={row} />}
      />
    </div>
  )
}

function silentOf(instances: NonNullable<Row['instances']>): readonly string[] {
  return instances.filter(({ silent }) => silent).map(({ name }) => name)
}

function RouteLabel({ row }: { readonly row: Row }) {
  const isChosen = route.value === row.route && service.value === row.service
  return (
    <>
      {row.route === null || row.route === undefined ? (
        <span>{t.value.noRoute}</span>
      ) : (
        <RowButton
          text={row.route}
          isChosen={isChosen}
          toggle={(wasChosen) => choose(row.service, wasChosen ? undefined : (row.route ?? undefined))}
        />
      )}
      <span class="quiet owner">{row.service}</span>
    </>
  )
}

interface RowButtonProps {
  readonly text: string
  readonly isChosen: boolean
  readonly toggle: (isChosen: boolean) => void
}

function RowButton({ text, isChosen, toggle }: RowButtonProps) {
  // A path may break before each slash, instead of within a word.
  const pieces = text.split(/(?=\/)/)
  return (
    <button
      type="button"
      class="name"
      aria-pressed={isChosen}
      title={t.value.filterBy(text)}
      onClick={() => toggle(isChosen)}
    >
      {pieces.map((piece, at) => (
        <Fragment key={at}>
          {at > 0 && <wbr />}
          {piece}
        </Fragment>
      ))}
    </button>
  )
}

function routeNameOf({ service: owner, route: path }: Row): string {
  return `${path ?? ''} ${owner}`
}
