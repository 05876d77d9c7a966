// The kinds of panel that the dashboards are made of. Each states what it shows, its unit and its thresholds.

import * as common from '@grafana/grafana-foundation-sdk/common';
import {
  type DataSourceRef,
  GraphDrawStyle,
  GraphThresholdsStyleMode,
  HeatmapCellLayout,
  LegendDisplayMode,
  LegendPlacement,
  SortOrder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import * as heatmaps from '@grafana/grafana-foundation-sdk/heatmap';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import * as stats from '@grafana/grafana-foundation-sdk/stat';
import * as tables from '@grafana/grafana-foundation-sdk/table';
import * as graphs from '@grafana/grafana-foundation-sdk/timeseries';

export const dataSource: DataSourceRef = { type: 'prometheus', uid: '$datasource' };

/** Legend → PromQL; a legend may name labels: `exit {{exit}}`. */
export type Queries = Readonly<Record<string, string>>;

export interface Description {
  readonly title: string;
  /** What it means and what to do when it looks wrong: shown behind the panel's (i). */
  readonly description: string;
  /** From '@grafana/grafana-foundation-sdk/units'. */
  readonly unit: string;
  readonly queries: Queries;
  /** Columns of 24. */
  readonly span?: number;
  /** From this value on: yellow, then red. Below, green. */
  readonly limits?: readonly [warning: number, critical: number];
  /** The other way round: below these values yellow, then red. */
  readonly floors?: readonly [warning: number, critical: number];
}

const GRAPH_HEIGHT = 8;
const STAT_HEIGHT = 4;

/** Lines over time. `share`: stacked areas between 0 and 1; `stacked`: areas that add up. */
export function graph(what: Description & { readonly style?: 'lines' | 'stacked' | 'share' }) {
  const { style = 'lines' } = what;
  const hasLimits = what.limits !== undefined || what.floors !== undefined;
  const panel = describe(new graphs.PanelBuilder(), what, GRAPH_HEIGHT)
    .axisSoftMin(0)
    .drawStyle(GraphDrawStyle.Line)
    .fillOpacity(style === 'lines' ? 8 : 45)
    .showPoints(VisibilityMode.Never)
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['mean', 'lastNotNull', 'max']),
    )
    .tooltip(new common.VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .thresholdsStyle(
      new common.GraphThresholdsStyleConfigBuilder().mode(
        hasLimits ? GraphThresholdsStyleMode.Dashed : GraphThresholdsStyleMode.Off,
      ),
    )
    .stacking(
      new common.StackingConfigBuilder().mode(style === 'lines' ? StackingMode.None : StackingMode.Normal),
    );
  return style === 'share' ? panel.max(1) : panel;
}

/** One number now, with its recent course behind it. */
export function stat(what: Description) {
  return describe(new stats.PanelBuilder(), { span: 4, ...what }, STAT_HEIGHT)
    .graphMode(common.BigValueGraphMode.Area)
    .colorMode(common.BigValueColorMode.Value)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']));
}

/** How a histogram's buckets fill over time; `unit` is that of the buckets. */
export function heatmap(
  what: Omit<Description, 'queries' | 'limits' | 'floors'> & { readonly query: string },
) {
  const { query, ...rest } = what;
  return describe(new heatmaps.PanelBuilder(), { ...rest, queries: {} }, GRAPH_HEIGHT)
    .withTarget(target(query, '{{le}}').format(PromQueryFormat.Heatmap))
    .calculate(false)
    .rowsFrame(new heatmaps.RowsHeatmapOptionsBuilder().layout(HeatmapCellLayout.Auto))
    .yAxis(new heatmaps.YAxisConfigBuilder().unit(what.unit))
    .color(
      new heatmaps.HeatmapColorOptionsBuilder()
        .mode(heatmaps.HeatmapColorMode.Scheme)
        .scheme('Blues')
        .steps(64),
    )
    .cellGap(1)
    .tooltip(new heatmaps.HeatmapTooltipBuilder().mode(TooltipDisplayMode.Single).yHistogram(true));
}

/** What holds now, one row for each set of labels; `hidden` columns are left out. */
export function table(what: Description & { readonly hidden: readonly string[] }) {
  const { queries, ...rest } = what;
  const panel = describe(new tables.PanelBuilder(), { ...rest, queries: {} }, GRAPH_HEIGHT);
  Object.entries(queries).forEach(([legend, expression], index) => {
    panel.withTarget(target(expression, legend, index).format(PromQueryFormat.Table).instant());
  });
  const excludeByName = Object.fromEntries(['Time', ...what.hidden].map((name) => [name, true]));
  return panel.withTransformation({ id: 'organize', options: { excludeByName } });
}

type PanelBuilder = graphs.PanelBuilder | stats.PanelBuilder | heatmaps.PanelBuilder | tables.PanelBuilder;

/** What every panel has. */
function describe<Panel extends PanelBuilder>(panel: Panel, what: Description, height: number): Panel {
  panel
    .title(what.title)
    .description(what.description)
    .datasource(dataSource)
    .unit(what.unit)
    .span(what.span ?? 12)
    .height(height)
    .thresholds(
      new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps(what.limits, what.floors)),
    );
  Object.entries(what.queries).forEach(([legend, expression], index) => {
    panel.withTarget(target(expression, legend, index));
  });
  return panel;
}

function target(expression: string, legend: string, index = 0): DataqueryBuilder {
  return new DataqueryBuilder()
    .refId(String.fromCharCode('A'.charCodeAt(0) + index))
    .expr(expression)
    .legendFormat(legend)
    .datasource(dataSource);
}

/** The first step has no value: it holds from minus infinity. */
function steps(limits: Description['limits'], floors: Description['floors']): Threshold[] {
  const from = (value: number | null, color: string): Threshold => ({ value, color });
  if (limits) return [from(null, 'green'), from(limits[0], 'yellow'), from(limits[1], 'red')];
  if (floors) return [from(null, 'red'), from(floors[1], 'yellow'), from(floors[0], 'green')];
  return [from(null, 'green')];
}
