// The schemas that have a name of their own in the OpenAPI document, and so in generated clients.
import { Prediction, RankedClass } from '../inference/prediction.js';
import { BatchItem, BatchRequest, BatchResponse } from './classify-batch.js';
import { Model, ModelList, ModelProfile, ProfileCertificate } from './models.js';
import { Problem } from './problems.js';

export const namedSchemas = [
  Problem,
  RankedClass,
  Prediction,
  BatchRequest,
  BatchItem,
  BatchResponse,
  ProfileCertificate,
  ModelProfile,
  Model,
  ModelList,
];
