/**
 * Answers readers on other machines that ask for many pieces at a time: as many as fit, in their order.
 *
 * It knows nothing of files.
 */
import { ShardLostError } from "../../../core/errors.ts";
import type { HeldPiece, PieceAnswer } from "../../protocol.ts";

/** What one answer holds, about. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/** However small they are: the agent does nothing else meanwhile. */
const MAX_PIECES = 4096;
/** Larger pieces are streamed, each by itself. */
const MAX_PIECE_BYTES = 1024 * 1024;

/** @param read The batches of a piece, or "stream" when it has more bytes than so many. */
export function pieceAnswers(
  pieces: readonly HeldPiece[],
  read: (piece: HeldPiece, maxBytes: number) => PieceAnswer,
): readonly PieceAnswer[] {
  const answers: PieceAnswer[] = [];
  let sizeBytes = 0;
  for (const piece of pieces) {
    if (sizeBytes >= MAX_ANSWER_BYTES || answers.length >= MAX_PIECES) break;
    const answer = orNull(() => read(piece, MAX_PIECE_BYTES));
    answers.push(answer);
    if (answer instanceof Uint8Array) sizeBytes += answer.byteLength;
  }
  return answers;
}

/** One that is lost must not keep the reader from the others. */
function orNull(read: () => PieceAnswer): PieceAnswer {
  try {
    return read();
  } catch (error) {
    if (error instanceof ShardLostError) return null;
    throw error;
  }
}
