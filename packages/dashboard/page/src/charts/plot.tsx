import { effect } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { language, theme } from '../state/state.ts'
import { hoverAt } from '../state/view.ts'
import type { Chart } from './chart.ts'
import { CHART_HEIGHT, dataOf, optionsOf } from './plot-options.ts'
import { Readout } from './readout.tsx'

interface PlotProps {
  readonly name: string
  readonly chart: Chart
  /** What the chart shows, for people who do not see it. */
  readonly label: string
  readonly isLog?: boolean
  readonly options?: typeof optionsOf
  /** What tells the values under the pointer. */
  readonly children?: ComponentChildren
}

/** A chart over time. New data updates it; other series, another theme, axis or language rebuild it. */
export function Plot({ name, chart, label, isLog = false, options = optionsOf, children }: PlotProps) {
  const container = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const latest = useRef(chart)
  const isDragging = useRef(false)
  latest.current = chart
  const shape = chart.series.map(({ name }) => name).join()

  useEffect(() => {
    const element = container.current
    if (element === null) return
    const draw = (): void => {
      plot.current?.destroy()
      plot.current = new uPlot(
        options(() => latest.current, element, isLog),
        dataOf(latest.current, isLog),
        element,
      )
    }
    const resize = new ResizeObserver(([entry]) => {
      if (entry !== undefined) plot.current?.setSize({ width: entry.contentRect.width, height: CHART_HEIGHT })
    })
    const system = matchMedia('(prefers-color-scheme: dark)')
    const stopDrawing = effect(() => {
      theme.value
      language.value
      draw()
    })
    // All charts show the moment that the pointer is at in any of them.
    const stopFollowing = effect(() => {
      const at = hoverAt.value
      const shown = plot.current
      if (shown === undefined || isDragging.current) return
      const left = at === undefined ? -10 : shown.valToPos((at + latest.current.stepMs / 2) / 1_000, 'x')
      shown.setCursor({ left, top: at === undefined ? -10 : 0 }, false)
    })
    // While the pointer is down, the chart must not slide under it.
    const press = (): void => {
      isDragging.current = true
    }
    const release = (): void => {
      isDragging.current = false
    }
    const leave = (): void => {
      hoverAt.value = undefined
    }
    element.addEventListener('mouseleave', leave)
    element.addEventListener('mousedown', press)
    window.addEventListener('mouseup', release)
    resize.observe(element)
    system.addEventListener('change', draw)
    return () => {
      stopDrawing()
      stopFollowing()
      resize.disconnect()
      system.removeEventListener('change', draw)
      element.removeEventListener('mousedown', press)
      element.removeEventListener('mouseleave', leave)
      window.removeEventListener('mouseup', release)
      plot.current?.destroy()
    }
  }, [chart.kind, shape, isLog])

  useEffect(() => {
    if (!isDragging.current) plot.current?.setData(dataOf(chart, isLog))
  })

  return (
    <div class="plot-frame">
      <div class="plot" data-chart={name} ref={container} role="img" aria-label={label} />
      {children ?? <Readout chart={chart} />}
    </div>
  )
}
