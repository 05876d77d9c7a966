// Computes figures from answers: accuracy, agreement with the full network, cost and exits, per profile.

import { FULL_PROFILE } from '../format/profiles.js';
import { invariant } from '../foundation/errors.js';
import type { Answer, ProfileAnswers } from './evaluate.js';
import type { SubjectModel } from './subject.js';
import { wilsonInterval } from './wilson.js';

export interface ExitSummary {
  readonly index: number;
  readonly name: string;
  /** Number of images that left here. */
  readonly images: number;
  /** Share of all images. */
  readonly share: number;
  readonly correct: number;
  /** Accuracy of the images that left here; null if none did. */
  readonly accuracy: number | null;
}

export interface ProfileSummary {
  readonly profile: string;
  readonly isDefault: boolean;
  readonly images: number;
  readonly correct: number;
  readonly accuracy: number;
  /** 95 % Wilson interval of the accuracy. */
  readonly accuracyInterval: readonly [low: number, high: number];
  /** Share of the images with the same label as from the full network. */
  readonly agreementWithFull: number;
  /** Accuracy minus that of the full network. */
  readonly accuracyLessFull: number;
  /** Mean FLOPs executed per image. */
  readonly executedFlops: number;
  /** `executedFlops` divided by the FLOPs of the backbone with only its final exit. */
  readonly shareOfBackbone: number;
  /** `executedFlops` divided by the mean that the profile's certificate states; null without a valid one. */
  readonly shareOfCertified: number | null;
  readonly imagesPerSecond: number;
  readonly exits: readonly ExitSummary[];
}

/**
 * @param results must include the profile `full`
 * @param truth per image, the index of its class
 */
export function summarise(
  model: SubjectModel,
  results: readonly ProfileAnswers[],
  truth: readonly number[],
): ProfileSummary[] {
  const full = results.find(({ profile }) => profile === FULL_PROFILE);
  invariant(full, 'the full network is always evaluated');
  const fullCorrect = countCorrect(full.answers, truth);

  return results.map(({ profile, answers, seconds }) => {
    const images = answers.length;
    const correct = countCorrect(answers, truth);
    const agreeing = answers.filter(
      ({ classIndex }, image) => classIndex === full.answers[image]?.classIndex,
    ).length;
    const certified = model.certifiedFlops.get(profile);
    const executedFlops = answers.reduce((sum, { flops }) => sum + flops, 0) / images;
    return {
      profile,
      isDefault: profile === model.defaultProfile,
      images,
      correct,
      accuracy: correct / images,
      accuracyInterval: wilsonInterval(correct, images),
      agreementWithFull: agreeing / images,
      accuracyLessFull: (correct - fullCorrect) / images,
      executedFlops,
      shareOfBackbone: executedFlops / model.fullFlops,
      shareOfCertified: certified === undefined ? null : executedFlops / certified,
      imagesPerSecond: images / seconds,
      exits: model.exits.map((name, index) => summariseExit(index, name, answers, truth)),
    };
  });
}

function summariseExit(
  index: number,
  name: string,
  answers: readonly Answer[],
  truth: readonly number[],
): ExitSummary {
  const places = answers.flatMap(({ exit }, image) => (exit === index ? [image] : []));
  const images = places.length;
  const correct = places.filter((image) => answers[image]?.classIndex === truth[image]).length;
  return {
    index,
    name,
    images,
    share: images / answers.length,
    correct,
    accuracy: images > 0 ? correct / images : null,
  };
}

function countCorrect(answers: readonly Answer[], truth: readonly number[]): number {
  return answers.filter(({ classIndex }, image) => classIndex === truth[image]).length;
}
