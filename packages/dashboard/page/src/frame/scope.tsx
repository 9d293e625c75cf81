import { choose, isFiltered, route, service, withHops } from '../state/selection.ts'
import { f, parts, t } from '../state/state.ts'

/** Says which requests the figures below are about, and changes it. */
export function Scope() {
  const texts = t.value
  const summary = parts.value?.summary
  if (summary === undefined) return null
  const hops = summary.hops.requests
  const probes = summary.probes.requests
  const [chosenService, chosenRoute] = [service.value, route.value]
  return (
    <section class="scope" id="scope" tabIndex={-1} aria-label={texts.scope}>
      {isFiltered.value ? (
        <>
          <span class="quiet">{texts.only}</span>
          {chosenService !== undefined && (
            <Chip name={texts.service} value={chosenService} remove={() => choose()} kind="service" />
          )}
          {chosenRoute !== undefined && (
            <Chip name={texts.route} value={chosenRoute} remove={() => choose(service.peek())} kind="route" />
          )}
          <span class="quiet">{texts.allAnswered}</span>
        </>
      ) : (
        <>
          <span>{withHops.value ? texts.everyRequest : texts.sentByUsers}</span>
          {(hops > 0 || withHops.value) && (
            <label>
              <input
                type="checkbox"
                name="hops"
                checked={withHops.value}
                onChange={(event) => (withHops.value = event.currentTarget.checked)}
              />{' '}
              {texts.countHops(f.value.count(hops))}
            </label>
          )}
        </>
      )}
      {probes > 0 && <span class="quiet probes">{texts.probesApart(f.value.count(probes))}</span>}
    </section>
  )
}

interface ChipProps {
  readonly name: string
  readonly value: string
  readonly kind: string
  readonly remove: () => void
}

function Chip({ name, value, kind, remove }: ChipProps) {
  return (
    <span class="chip" data-chip={kind}>
      {name}: <strong>{value}</strong>
      <button
        type="button"
        aria-label={t.value.removeFilter(value)}
        title={t.value.removeFilter(value)}
        onClick={remove}
      >
        ×
      </button>
    </span>
  )
}
