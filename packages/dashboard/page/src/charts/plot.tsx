import { effect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { f, language, parts, theme } from '../state/state.ts'

const HEIGHT = 180
const FONT = '12px system-ui, sans-serif'

interface PlotProps {
  readonly kind: 'classes' | 'latencies'
  readonly data: uPlot.AlignedData
  readonly labels: readonly string[]
}

/** A chart over time. New data updates it; a change of theme or language rebuilds it. */
export function Plot({ kind, data, labels }: PlotProps) {
  const container = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | undefined>(undefined)
  const latest = useRef(data)
  latest.current = data

  useEffect(() => {
    const element = container.current
    if (element === null) return
    const draw = (): void => {
      chart.current?.destroy()
      chart.current = new uPlot(optionsOf(kind, labels, element), latest.current, element)
    }
    const resize = new ResizeObserver(([entry]) => {
      if (entry !== undefined) chart.current?.setSize({ width: entry.contentRect.width, height: HEIGHT })
    })
    const system = matchMedia('(prefers-color-scheme: dark)')
    const stop = effect(() => {
      theme.value
      language.value
      draw()
    })
    resize.observe(element)
    system.addEventListener('change', draw)
    return () => {
      stop()
      resize.disconnect()
      system.removeEventListener('change', draw)
      chart.current?.destroy()
    }
  }, [kind, labels.join()])

  useEffect(() => chart.current?.setData(data))

  return (
    <>
      <div class="plot" ref={container} aria-hidden="true" />
      <ul class="legend">
        {labels.map((label, at) => (
          <li key={label}>
            <span class={`key ${NAMES[kind][at]}`} aria-hidden="true" /> {label}
          </li>
        ))}
      </ul>
    </>
  )
}

const NAMES = { classes: ['good', 'client', 'server'], latencies: ['p50', 'p95', 'p99'] } as const

function optionsOf(kind: PlotProps['kind'], labels: readonly string[], element: HTMLElement): uPlot.Options {
  const color = (name: string): string => resolved(element, name)
  const axis = {
    stroke: color('--quiet'),
    font: FONT,
    grid: { stroke: color('--hair'), width: 1 },
    ticks: { show: false },
  }
  return {
    width: Math.max(200, element.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    padding: [8, 8, 0, 0],
    cursor: { sync: { key: 'time' }, drag: { x: false, y: false }, points: { show: false }, y: false },
    scales: {
      x: {
        range: () => {
          const range = parts.peek()?.range
          return range === undefined ? [0, 1] : [range.from / 1_000, range.to / 1_000]
        },
      },
      y: { range: (_, __, max) => [0, Math.max(max ?? 0, 1) * 1.1] },
    },
    axes: [
      { ...axis, size: 28, space: 56, values: (_, times) => times.map((time) => timeOf(time * 1_000)) },
      {
        ...axis,
        size: 64,
        space: 36,
        values: (_, values) =>
          values.map((value) => (kind === 'latencies' ? f.peek().duration(value) : wholeOf(value))),
      },
    ],
    series: [{}, ...(kind === 'classes' ? classSeries(color, labels) : latencySeries(color, labels))],
  }
}

function classSeries(color: (name: string) => string, labels: readonly string[]): uPlot.Series[] {
  const bars = uPlot.paths.bars?.({ size: [0.9, 40], align: 1, gap: 0 })
  return NAMES.classes.map((name, at) => ({
    label: labels[at] ?? name,
    stroke: color(`--${name}`),
    width: 0,
    points: { show: false },
    fill: () => (name === 'client' ? hatched(color('--client'), color('--ground')) : color(`--${name}`)),
    ...(bars === undefined ? {} : { paths: bars }),
  }))
}

function latencySeries(color: (name: string) => string, labels: readonly string[]): uPlot.Series[] {
  const dashes = [[], [6, 3], [2, 3]]
  const strokes = ['--good', '--degraded', '--ink']
  return labels.map((label, at) => ({
    label,
    stroke: color(strokes[at] ?? '--ink'),
    width: at === 0 ? 2 : 1.5,
    dash: dashes[at] ?? [],
    points: { show: true, size: 4, fill: color(strokes[at] ?? '--ink'), width: 0, filter: isolatedPoints },
  }))
}

/** Returns the points without neighbours, which a line alone would not show. */
function isolatedPoints({ data }: uPlot, series: number): number[] {
  const values = data[series] ?? []
  const isGap = (at: number): boolean => values[at] === null || values[at] === undefined
  return [...values.keys()].filter((at) => !isGap(at) && isGap(at - 1) && isGap(at + 1))
}

/** Creates stripes, so that client and server errors differ by more than their hue. */
function hatched(ink: string, ground: string): CanvasPattern | string {
  const tile = document.createElement('canvas')
  tile.width = 6
  tile.height = 6
  const context = tile.getContext('2d')
  if (context === null) return ink
  context.fillStyle = ground
  context.fillRect(0, 0, 6, 6)
  context.strokeStyle = ink
  context.lineWidth = 3
  for (const shift of [-6, 0, 6]) {
    context.moveTo(shift - 1, 7)
    context.lineTo(shift + 7, -1)
  }
  context.stroke()
  return context.createPattern(tile, 'repeat') ?? ink
}

function resolved(element: HTMLElement, name: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${name})`
  element.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

function wholeOf(value: number): string {
  return Number.isInteger(value) ? f.peek().count(value) : ''
}

function timeOf(at: number): string {
  const text = f.peek().clock(at)
  return (parts.peek()?.range.seconds ?? 0) > 3_600 ? text.slice(0, 5) : text
}
