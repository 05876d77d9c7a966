// One dashboard: rows of panels under the variables that all of them share, with links to its siblings.
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { dataSource } from './panels.js';

const TAG = 'rdi-serve';

export interface DashboardDescription {
  /** Also its file's name and, with a prefix, its uid. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Title → panels. */
  readonly rows: Readonly<Record<string, readonly Builder<Panel>[]>>;
}

export function createDashboard({ name, title, description, rows }: DashboardDescription): Dashboard {
  const dashboard = new DashboardBuilder(`rdi-serve / ${title}`)
    .uid(`rdi-serve-${name}`)
    .description(description)
    .tags([TAG])
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .readonly()
    .variables([
      new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
      variable('instance', 'label_values(rdi_workers, instance)'),
      variable('model', 'label_values(rdi_model_info, model)'),
      variable('version', 'label_values(rdi_model_info{model=~"$model"}, version)'),
    ])
    .link(
      new DashboardLinkBuilder(TAG)
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(false)
        .keepTime(true)
        .includeVars(true),
    );
  for (const [row, panels] of Object.entries(rows)) {
    dashboard.withRow(new RowBuilder(row));
    for (const panel of panels) dashboard.withPanel(panel);
  }
  return dashboard.build();
}

/** Several may be chosen; at first, all. */
function variable(name: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(name)
    .datasource(dataSource)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .current({ text: 'All', value: '$__all' });
}
