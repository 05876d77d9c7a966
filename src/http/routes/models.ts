// GET /models, GET /models/{name}: the served models, with the costs of their exits and their profiles.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import { type PassedOver, passedOverCodes } from '../../engines/choose.js';
import { Certificate } from '../../format/certificate.js';
import { ExitFlops } from '../../format/manifest.js';
import { nameResize } from '../../format/preprocessing.js';
import { Policy } from '../../format/profiles.js';
import { ref } from '../../foundation/schema-ref.js';
import type { ServedModel } from '../../serving/catalog.js';
import type { Classifier } from '../../serving/classifier.js';
import type { Disclosure } from '../privacy/disclosure.js';
import { problemResponses } from '../problems.js';
import { Audit, describeAudit } from './audits.js';
import { VersionQuery } from './parameters.js';

export const ProfileCertificate = Type.Object(
  {
    valid: Type.Boolean({
      description:
        'Whether it is about the files and thresholds that are served. If not, it promises nothing.',
    }),
    reason: Type.String({ description: 'Why it is not valid; empty if it is.' }),
    certificate: ref(Certificate),
  },
  { $id: 'ProfileCertificate' },
);

export const ProfileExit = Type.Object(
  {
    index: Type.Integer(),
    threshold: Type.Unsafe<number | null>({
      type: ['number', 'null'],
      description: 'null at the final exit.',
    }),
    flops: Type.Integer({
      format: 'int64',
      description: 'Executed by an image that leaves here under this profile.',
    }),
  },
  { $id: 'ProfileExit' },
);

export const ModelProfile = Type.Object(
  {
    name: Type.String(),
    description: Type.String(),
    policy: ref(Policy),
    exits: Type.Array(ref(ProfileExit), { description: 'The active exits, in order.' }),
    certificate: Type.Optional(ref(ProfileCertificate)),
    audit: Type.Optional(ref(Audit)),
  },
  { $id: 'ModelProfile' },
);

export const ModelEngine = Type.Object(
  { name: Type.String(), device: Type.String() },
  { $id: 'ModelEngine' },
);

export const ModelInput = Type.Object(
  {
    height: Type.Integer(),
    width: Type.Integer(),
    channels: Type.Integer({ description: '1: grey, 3: RGB.' }),
    resize: Type.String({ description: 'How images of another size are fitted.' }),
    polarity: Type.Optional(
      Type.String({
        description: 'auto: an image with a bright border is inverted first. Absent: no image is.',
      }),
    ),
  },
  { $id: 'ModelInput' },
);

export const ModelExit = Type.Object(
  { index: Type.Integer(), name: Type.String(), flops: ref(ExitFlops) },
  { $id: 'ModelExit' },
);

export const ModelExample = Type.Object(
  {
    file: Type.String({ description: 'GET /models/{name}/examples/{file} answers with the image.' }),
    label: Type.String({ description: 'The class that it shows.' }),
    description: Type.Optional(Type.String({ description: 'In a few words.' })),
  },
  { $id: 'ModelExample' },
);

export const RefusedModel = Type.Object(
  {
    name: Type.String({ description: '*: the models folder itself.' }),
    version: Type.String({ description: '*: no version in particular.' }),
    reason: Type.String({ description: 'A sentence.' }),
  },
  { $id: 'RefusedModel' },
);

export const Ladder = Type.Object(
  {
    profiles: Type.Array(Type.String(), {
      description: 'The rungs, from the default profile to the cheapest.',
    }),
    rung: Type.Integer({
      minimum: 0,
      description: 'The rung that requests without a profile get at present; 0: none is degraded.',
    }),
    reason: Type.String({
      description: 'Why this model is served without the ladder; empty if it is served with it.',
    }),
  },
  { $id: 'Ladder' },
);

export const ModelTypicality = Type.Object(
  {
    level: Type.Number({ description: 'An image with a p-value up to this is not typical.' }),
    referenceImages: Type.Integer({ description: 'How many images new ones are ranked among.' }),
  },
  {
    $id: 'ModelTypicality',
    description: 'How answers say whether an image is typical; absent where the package does not know.',
  },
);

export const Model = Type.Object(
  {
    name: Type.String(),
    version: Type.String(),
    isDefault: Type.Boolean({
      description: 'Whether requests that name this model and no version get this version.',
    }),
    description: Type.String(),
    licence: Type.String(),
    engine: ref(ModelEngine),
    input: ref(ModelInput),
    expects: Type.Optional(
      Type.String({ description: 'What it expects of an image, in a sentence for people.' }),
    ),
    examples: Type.Array(ref(ModelExample), { description: 'Images that it is made for.' }),
    classes: Type.Array(Type.String()),
    flops: Type.Integer({
      format: 'int64',
      description: 'Of the backbone with its final exit alone, for one image.',
    }),
    exits: Type.Array(ref(ModelExit)),
    defaultProfile: Type.String(),
    profiles: Type.Array(ref(ModelProfile)),
    ladder: Type.Optional(ref(Ladder)),
    typicality: Type.Optional(ref(ModelTypicality)),
  },
  { $id: 'Model' },
);
export type Model = Type.Static<typeof Model>;

export const PassedOverEngine = Type.Object(
  {
    engine: Type.String(),
    code: Type.Unsafe<PassedOver['code']>({ type: 'string', enum: [...passedOverCodes] }),
    reason: Type.String({ description: 'The same as a sentence.' }),
  },
  { $id: 'PassedOverEngine' },
);

export const Engine = Type.Object(
  {
    name: Type.String(),
    device: Type.String({ description: 'Where it computes: cpu, gpu:0, …' }),
    workers: Type.Integer({ description: 'Threads that run it.' }),
    passedOver: Type.Array(ref(PassedOverEngine), {
      description: 'The engines that were not taken, and why.',
    }),
  },
  { $id: 'Engine' },
);

export const ModelList = Type.Object(
  {
    defaultModel: Type.String({ description: 'Used by requests that name no model.' }),
    models: Type.Array(ref(Model)),
    engine: ref(Engine),
    privacy: Type.Optional(
      Type.String({
        description:
          'The privacy mode, coarse or strict: what answers leave out. Absent: they tell everything.',
      }),
    ),
    refused: Type.Array(ref(RefusedModel), {
      description:
        'What lies in the models folder and is not served as it lies there, and why. An earlier state of the version may ' +
        'be served: then it is among `models`.',
    }),
  },
  { $id: 'ModelList' },
);

export const modelRoutes: FastifyPluginAsyncTypebox<{
  classifier: Classifier;
  disclosure: Disclosure;
}> = async (app, { classifier, disclosure: { mode } }) => {
  const { catalog, engine } = classifier;
  const describe = (model: ServedModel): Model =>
    describeModel(model, catalog.isDefault(model), mode !== 'strict');

  app.get(
    '/models',
    {
      schema: {
        operationId: 'listModels',
        summary: 'What is served',
        tags: ['models'],
        querystring: Type.Object({}, { additionalProperties: false }),
        response: {
          200: {
            description: 'All models, and what is not served.',
            content: { 'application/json': { schema: ref(ModelList) } },
          },
          ...problemResponses('malformed-request', 'invalid-query', 'unauthorized'),
        },
      },
    },
    async () => ({
      defaultModel: catalog.defaultModel,
      models: catalog.models.map(describe),
      engine,
      ...(mode !== 'off' && { privacy: mode }),
      refused: [...classifier.refused()],
    }),
  );

  app.get(
    '/models/:name',
    {
      schema: {
        operationId: 'getModel',
        summary: 'One model',
        tags: ['models'],
        params: Type.Object({ name: Type.String() }),
        querystring: VersionQuery,
        response: {
          200: {
            description: 'The model.',
            content: { 'application/json': { schema: ref(Model) } },
          },
          ...problemResponses('malformed-request', 'invalid-query', 'unauthorized', 'unknown-model'),
        },
      },
    },
    async (request) => {
      return describe(catalog.find(request.params.name, request.query.version));
    },
  );
};

/** @param withCounts whether to tell of audits: their counts change with single answers */
function describeModel(
  { manifest, profiles, ladder, typicality, ...model }: ServedModel,
  isDefault: boolean,
  withCounts: boolean,
): Model {
  const { description, licence, classes, exits, expects, examples = [] } = manifest;
  const { height, width, channels, resize, polarity } = manifest.input;
  return {
    name: model.name,
    version: model.version,
    isDefault,
    description,
    licence,
    engine: model.engine,
    input: {
      ...{ height, width, channels, resize: nameResize(resize) },
      ...(polarity !== undefined && { polarity }),
    },
    ...(expects !== undefined && { expects }),
    examples,
    classes,
    flops: model.fullFlops,
    exits: exits.map(({ name, flops }, index) => ({ index, name, flops })),
    defaultProfile: model.defaultProfile,
    profiles: [...profiles.values()].map((profile) => ({
      name: profile.name,
      description: profile.description,
      policy: profile.policy,
      exits: (profile.paths.at(-1) ?? []).map(({ exit, threshold, flops }) => ({
        index: exit,
        threshold,
        flops,
      })),
      ...(withCounts && profile.audit && { audit: describeAudit(profile.audit.state()) }),
      ...(profile.certificate && { certificate: profile.certificate }),
    })),
    ...(ladder && {
      ladder: { profiles: [...ladder.names], rung: ladder.ladder?.position() ?? 0, reason: ladder.reason },
    }),
    ...(typicality && {
      typicality: { level: typicality.level, referenceImages: typicality.referenceImages },
    }),
  };
}
