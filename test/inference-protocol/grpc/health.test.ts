// grpc.health.v1.Health/Watch: the status at once, and again whenever it changes.
import assert from 'node:assert/strict';
import { connect as connectSocket, createServer, type Server } from 'node:net';
import { after, test } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import { HealthCheckResponse_ServingStatus as ServingStatus } from '../../../src/protobuf/grpc_health_pb.js';
import type { Scope } from '../../support/scope.js';
import { assertStatus, type GrpcClients, grpcClients } from '../../support/service/grpc.js';
import { startTestService, until } from '../../support/service/service.js';

const MOST_WATCHERS = 100;
const scope = { after };
const { grpcUrl } = await startTestService(scope, { config: { grpc: true } });
const { health } = grpcClients(scope, grpcUrl);

/** What a watcher hears, until it leaves. */
function watch(client: GrpcClients['health'], service = '') {
  const leaving = new AbortController();
  const heard: string[] = [];
  const ended = (async () => {
    for await (const { status } of client.watch({ service }, { signal: leaving.signal }))
      heard.push(ServingStatus[status]);
  })().catch((error: unknown) => ConnectError.from(error));
  return { heard, ended, leave: () => leaving.abort() };
}

test('a service that does not exist is unknown; watchers are bounded, and their places free when they leave', async () => {
  const others = watch(health, 'other');
  await until(() => others.heard.length === 1);
  assert.deepEqual(others.heard, ['SERVICE_UNKNOWN']);
  const watchers = Array.from({ length: MOST_WATCHERS - 1 }, () => watch(health));
  await until(() => watchers.every(({ heard }) => heard.length === 1));
  const firstHeard = async () => {
    for await (const { status } of health.watch({})) return status;
    return undefined;
  };
  await assertStatus(firstHeard(), Code.Unavailable, 'saturated');
  others.leave();
  await others.ended;
  const isWatching = async () => (await firstHeard().catch(() => undefined)) === ServingStatus.SERVING;
  await until(isWatching);
  for (const { leave } of watchers) leave();
  await Promise.all(watchers.map(({ ended }) => ended));
});

test('while the server drains it does not serve, and when it closes the watch ends', async (t) => {
  const service = await startTestService(t, { config: { grpc: true } });
  const clients = grpcClients(t, service.grpcUrl);
  const watches = ['', 'inference.GRPCInferenceService'].map((name) => watch(clients.health, name));
  await until(() => watches.every(({ heard }) => heard.length === 1));
  service.drain();
  await until(() => watches.every(({ heard }) => heard.length === 2));
  const late = watch(clients.health);
  await until(() => late.heard.length === 1);
  await service.grpc?.close();
  for (const { heard, ended } of watches) {
    assert.deepEqual(heard, ['SERVING', 'NOT_SERVING']);
    const error = await ended;
    assert.equal(error?.code, Code.Unavailable);
    assert.equal(error.metadata.get('problem-type'), 'urn:rdi-serve:problem:shutting-down');
  }
  assert.deepEqual(late.heard, ['NOT_SERVING']);
});

test('a client that is gone without a word is found out; one that is there may be silent', async (t) => {
  const service = await startTestService(t, { config: { grpc: true, keepAliveTimeoutSeconds: 1 } });
  const proxy = await startProxy(t, Number(new URL(service.grpcUrl).port));
  const gone = watch(grpcClients(t, proxy.url).health);
  const silent = watch(grpcClients(t, service.grpcUrl).health);
  await until(() => gone.heard.length === 1 && silent.heard.length === 1);
  proxy.cut();
  const labels = { grpc_method: 'Watch' };
  await until(async () => (await service.samples()).sum('grpc_server_handling_seconds_count', labels) === 1);
  service.drain();
  await until(() => silent.heard.length === 2);
  silent.leave();
});

/** Passes bytes on until it is cut; then it takes them, and no connection closes. */
async function startProxy(t: Scope, port: number): Promise<{ url: string; cut(): void }> {
  const cuts: (() => void)[] = [];
  const server: Server = createServer((client) => {
    const upstream = connectSocket(port, '127.0.0.1');
    client.pipe(upstream);
    upstream.pipe(client);
    for (const socket of [client, upstream]) socket.on('error', () => {});
    cuts.push(() => {
      client.unpipe(upstream);
      upstream.unpipe(client);
    });
    t.after(async () => {
      client.destroy();
      upstream.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    server.close();
  });
  const address = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut: () => {
      for (const cut of cuts) cut();
    },
  };
}
