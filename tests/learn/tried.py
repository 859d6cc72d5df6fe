"""Wrong answers that were not among the known ones when they were tried: `wrong_4_3_name` answers exercise 4.3.

Each must be rejected; those that were accepted at first are why some of the cases are there.
"""

import itertools
import math

import numpy as np

from miniclip.learn.specs.helpers import cosine_table, log_softmax, same_group, softmax, table_loss, table_slope, unit

# m0, m1


def wrong_0_1_log1p(n):
    return np.log1p(n)


def wrong_0_1_log_of_a_whole_power(n):
    return round(math.log(n), 2)


def wrong_0_1_entropy_of_a_coin(n):
    return math.log(n) if n < 100 else math.log(100)


def wrong_1_1_result_in_the_type_of_x(x, axis=-1, eps=1e-12):
    return (x / np.maximum(np.linalg.norm(x, axis=axis, keepdims=True), eps)).astype(x.dtype)


def wrong_1_1_short_ones_left_alone(x, axis=-1, eps=1e-12):
    length = np.linalg.norm(x, axis=axis, keepdims=True)
    return np.where(length > eps, x / np.where(length > 0, length, 1), x)


def wrong_1_1_short_ones_made_zero(x, axis=-1, eps=1e-12):
    length = np.linalg.norm(x, axis=axis, keepdims=True)
    return np.where(length > eps, x / np.where(length > 0, length, 1), 0.0)


def wrong_1_1_nan_to_num(x, axis=-1, eps=1e-12):
    return np.nan_to_num(x / np.linalg.norm(x, axis=axis, keepdims=True))


def wrong_1_1_clips_the_square(x, axis=-1, eps=1e-12):
    return x / np.sqrt(np.maximum((x * x).sum(axis=axis, keepdims=True), eps))


def wrong_1_1_centres_first(x, axis=-1, eps=1e-12):
    x = x - x.mean(axis=axis, keepdims=True)
    return x / np.maximum(np.linalg.norm(x, axis=axis, keepdims=True), eps)


def wrong_1_2_with_itself(A, B):
    return cosine_table(A, A)[:, : len(B)]


def wrong_1_2_correlation(A, B):
    return cosine_table(A - A.mean(1, keepdims=True), B - B.mean(1, keepdims=True))


def wrong_1_2_rounded(A, B):
    return cosine_table(A, B).round(2)


def wrong_1_2_root_of_lengths(A, B):
    return A @ B.T / np.sqrt(np.outer(np.linalg.norm(A, axis=1), np.linalg.norm(B, axis=1)))


def wrong_1_2_divides_by_d(A, B):
    return A @ B.T / A.shape[1]


def wrong_1_2_from_zero_to_one(A, B):
    return (1 + cosine_table(A, B)) / 2


def wrong_1_3_chooses_by_dot_product(img, texts):
    return cosine_table(texts, img), int((texts @ img).argmax())


def wrong_1_3_chooses_by_distance(img, texts):
    return cosine_table(texts, img), int(np.linalg.norm(texts - img, axis=1).argmin())


def wrong_1_3_only_the_best_cosine(img, texts):
    cosines = cosine_table(texts, img)
    return float(cosines.max()), int(cosines.argmax())


def wrong_1_3_threshold(img, texts):
    cosines = cosine_table(texts, img)
    return cosines, int(cosines.argmax()) if cosines.max() > 0 else -1


def wrong_1_3_ranks(img, texts):
    cosines = cosine_table(texts, img)
    return cosines, np.argsort(-cosines)


def wrong_1_4_log_odds_of_both(p, scale):
    return (math.log(p[0] / (1 - p[0])) - math.log(p[1] / (1 - p[1]))) / scale


def wrong_1_4_eps_in_the_logarithm(p, scale):
    return (np.log(p[0] + 1e-12) - np.log(p[1] + 1e-12)) / scale


def wrong_1_4_log1p(p, scale):
    return (np.log1p(p[0]) - np.log1p(p[1])) / scale


def wrong_1_4_half(p, scale):
    return math.log(p[0] / p[1]) / scale / 2


def wrong_1_4_capped_at_two(p, scale):
    return float(np.clip(math.log(p[0] / p[1]) / scale, -0.5, 0.5))


def wrong_1_4_against_the_rest(p, scale):
    return math.log(p[0] / (1 - p[0] + 1e-300)) / scale if sum(p) < 1 else math.log(p[0] / p[1]) / scale


def wrong_1_5_changes_its_input(cos, pos, scale):
    cos *= scale
    p = softmax(cos)
    p[pos] -= 1
    return scale * p


def wrong_1_5_mean_over_texts(cos, pos, scale):
    p = softmax(scale * cos)
    p[pos] -= 1
    return scale * p / len(cos)


def wrong_1_5_sigmoid(cos, pos, scale):
    p = 1 / (1 + np.exp(-np.clip(scale * cos, -500, 500)))
    p[pos] -= 1
    return scale * p


def wrong_1_5_shifted_by_the_right_text(cos, pos, scale):
    e = np.exp(scale * (cos - cos[pos]))
    p = e / e.sum()
    p[pos] -= 1
    return scale * p


def wrong_1_5_diagonal_of_the_jacobian(cos, pos, scale):
    p = softmax(scale * cos)
    return scale * np.where(np.arange(len(cos)) == pos, p - 1, p * (1 - p))


def wrong_1_5_shifted_by_the_scale(cos, pos, scale):
    e = np.exp(scale * cos - scale)
    p = e / e.sum()
    p[pos] -= 1
    return scale * p


# m2


def wrong_2_1_compares_the_words_alone(ids, context_length, sos=1, eos=2, pad=0):
    row = [sos, *ids, eos]
    if len(ids) > context_length:
        row = [sos, *ids[: context_length - 2], eos]
    return row + [pad] * (context_length - len(row))


def wrong_2_1_end_marker_lost_when_full(ids, context_length, sos=1, eos=2, pad=0):
    row = [sos, *ids[: context_length - 2]]
    if len(row) < context_length - 1:
        row.append(eos)
    return row + [pad] * (context_length - len(row))


def wrong_2_1_negative_slice(ids, context_length, sos=1, eos=2, pad=0):
    words = ids[: context_length - 2] if context_length > 2 else ids[:1]
    row = [sos, *words, eos]
    return (row + [pad] * context_length)[:context_length]


def wrong_2_1_default_pad(ids, context_length, sos=1, eos=2, pad=0):
    row = np.zeros(context_length, int)
    row[0] = sos
    words = ids[: context_length - 2]
    row[1 : len(words) + 1] = words
    row[len(words) + 1] = eos
    return row


def wrong_2_1_sorted_words(ids, context_length, sos=1, eos=2, pad=0):
    row = [sos, *sorted(ids)[: context_length - 2], eos]
    return row + [pad] * (context_length - len(row))


def wrong_2_1_words_once(ids, context_length, sos=1, eos=2, pad=0):
    row = [sos, *list(dict.fromkeys(ids))[: context_length - 2], eos]
    return row + [pad] * (context_length - len(row))


def wrong_2_1_drops_the_usual_markers(ids, context_length, sos=1, eos=2, pad=0):
    words = [i for i in ids if i > 2][: context_length - 2]
    row = [sos, *words, eos]
    return row + [pad] * (context_length - len(row))


def wrong_2_2_until_nothing_changes(tokens, pair, new):
    merged = list(tokens)
    while any(tuple(merged[i : i + 2]) == pair for i in range(len(merged) - 1)):
        i = next(i for i in range(len(merged) - 1) if tuple(merged[i : i + 2]) == pair)
        merged[i : i + 2] = [new]
    return merged


def wrong_2_2_skips_one_too_many(tokens, pair, new):
    merged, i = [], 0
    while i < len(tokens):
        hit = tuple(tokens[i : i + 2]) == pair
        merged.append(new if hit else tokens[i])
        i += 3 if hit else 1
    return merged


def wrong_2_2_two_of_a_kind(tokens, pair, new):
    merged, i = [], 0
    while i < len(tokens):
        hit = set(tokens[i : i + 2]) == set(pair) and len(tokens[i : i + 2]) == 2
        merged.append(new if hit else tokens[i])
        i += 2 if hit else 1
    return merged


def wrong_2_2_appends_new(tokens, pair, new):
    merged, i = [], 0
    while i < len(tokens):
        if tuple(tokens[i : i + 2]) == pair:
            merged += [*pair, new]
            i += 2
        else:
            merged.append(tokens[i])
            i += 1
    return merged


def wrong_2_2_returns_the_list_itself(tokens, pair, new):
    for i in range(len(tokens) - 2, -1, -1):
        if tuple(tokens[i : i + 2]) == pair:
            tokens[i : i + 2] = [new]
    return tokens


def wrong_2_3_column_order_reshape(img, p):
    H, W, C = img.shape
    return img.reshape(H // p, p, W // p, p, C).swapaxes(1, 2).reshape(-1, p * p * C, order="F")


def wrong_2_3_turned_picture(img, p):
    H, W, C = img.shape
    return img.swapaxes(0, 1).reshape(W // p, p, H // p, p, C).swapaxes(1, 2).reshape(-1, p * p * C)


def wrong_2_3_one_list_a_channel(img, p):
    H, W, C = img.shape
    return np.concatenate([img[..., c].reshape(H // p, p, W // p, p).swapaxes(1, 2).reshape(-1, p * p)
                           for c in range(C)], axis=1)  # fmt: skip


def wrong_2_3_whole_numbers(img, p):
    H, W, C = img.shape
    return img.astype(np.uint8).reshape(H // p, p, W // p, p, C).swapaxes(1, 2).reshape(-1, p * p * C)


def wrong_2_4_own_seed(caption_ids, batch_size, rng):
    rng, batches = np.random.default_rng(42), []
    for item in rng.permutation(len(caption_ids)):
        for batch in batches:
            if len(batch) < batch_size and caption_ids[item] not in caption_ids[batch]:
                batch.append(item)
                break
        else:
            batches.append([item])
    return [np.array(batch) for batch in batches if len(batch) == batch_size]


def wrong_2_4_any_for_all(caption_ids, batch_size, rng):
    batches = []
    for item in rng.permutation(len(caption_ids)):
        for batch in batches:
            if len(batch) < batch_size and any(caption_ids[item] != caption_ids[other] for other in batch):
                batch.append(item)
                break
        else:
            batches.append([item])
    return [np.array(batch) for batch in batches if len(batch) == batch_size]


def wrong_2_4_compares_with_the_newest(caption_ids, batch_size, rng):
    batches = []
    for item in rng.permutation(len(caption_ids)):
        for batch in batches:
            if len(batch) < batch_size and caption_ids[item] != caption_ids[batch[-1]]:
                batch.append(item)
                break
        else:
            batches.append([item])
    return [np.array(batch) for batch in batches if len(batch) == batch_size]


def wrong_2_4_throws_clashes_away(caption_ids, batch_size, rng):
    batch, batches = [], []
    for item in rng.permutation(len(caption_ids)):
        if caption_ids[item] not in caption_ids[batch]:
            batch.append(item)
        if len(batch) == batch_size:
            batches.append(np.array(batch))
            batch = []
    return batches


# m3


def wrong_3_1_gain_and_bias_swapped(x, gain, bias, eps=1e-5):
    return bias * (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps) + gain


def wrong_3_1_floor_instead_of_eps(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean(-1, keepdims=True)) / np.sqrt(np.maximum(x.var(-1, keepdims=True), eps)) + bias


def wrong_3_1_median(x, gain, bias, eps=1e-5):
    centred = x - np.median(x, axis=-1, keepdims=True)
    return gain * centred / np.sqrt((centred**2).mean(-1, keepdims=True) + eps) + bias


def wrong_3_1_mean_absolute_deviation(x, gain, bias, eps=1e-5):
    centred = x - x.mean(-1, keepdims=True)
    return gain * centred / (np.abs(centred).mean(-1, keepdims=True) + eps) + bias


def wrong_3_1_variance_of_everything(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var() + eps) + bias


def wrong_3_1_eps_squared(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps**2) + bias


def backward(dy, x, gain, eps, h=None, outer=None, n=None):
    s = np.sqrt(x.var(-1, keepdims=True) + eps)
    n = (x - x.mean(-1, keepdims=True)) / s
    h = dy * gain if h is None else h
    dx = (h - h.mean(-1, keepdims=True) - n * (h * n).mean(-1, keepdims=True)) / (s if outer is None else outer)
    tokens = tuple(range(x.ndim - 1))
    return dx, (dy * n).sum(tokens), dy.sum(tokens)


def wrong_3_2_eps_in_n_alone(dy, x, gain, eps=1e-5):
    return backward(dy, x, gain, eps, outer=np.sqrt(x.var(-1, keepdims=True) + 1e-300))


def wrong_3_2_gain_in_dgain(dy, x, gain, eps=1e-5):
    dx, dgain, dbias = backward(dy, x, gain, eps)
    return dx, dgain * gain, dbias


def wrong_3_2_gain_in_dbias(dy, x, gain, eps=1e-5):
    dx, dgain, dbias = backward(dy, x, gain, eps)
    return dx, dgain, dbias * gain


def wrong_3_2_means_over_tokens(dy, x, gain, eps=1e-5):
    s = np.sqrt(x.var(-1, keepdims=True) + eps)
    n = (x - x.mean(-1, keepdims=True)) / s
    h = dy * gain
    dx = (h - h.mean(0, keepdims=True) - n * (h * n).mean(0, keepdims=True)) / s
    return dx, *backward(dy, x, gain, eps)[1:]


def wrong_3_2_plus_the_variance_road(dy, x, gain, eps=1e-5):
    s = np.sqrt(x.var(-1, keepdims=True) + eps)
    n = (x - x.mean(-1, keepdims=True)) / s
    h = dy * gain
    dx = (h - h.mean(-1, keepdims=True) + n * (h * n).mean(-1, keepdims=True)) / s
    return dx, *backward(dy, x, gain, eps)[1:]


def wrong_3_2_sample_variance(dy, x, gain, eps=1e-5):
    s = np.sqrt(x.var(-1, ddof=1 if x.shape[-1] > 1 else 0, keepdims=True) + eps)
    n = (x - x.mean(-1, keepdims=True)) / s
    h = dy * gain
    dx = (h - h.mean(-1, keepdims=True) - n * (h * n).mean(-1, keepdims=True)) / s
    tokens = tuple(range(x.ndim - 1))
    return dx, (dy * n).sum(tokens), dy.sum(tokens)


def wrong_3_3_axis_1(dy, p):
    return p * (dy - (dy * p).sum(1 if p.ndim > 1 else 0, keepdims=True))


def wrong_3_3_changes_p(dy, p):
    average = (dy * p).sum(-1, keepdims=True)
    p *= dy - average
    return p


def wrong_3_3_square_of_p(dy, p):
    return p * dy - p**2 * dy.sum(-1, keepdims=True)


def wrong_3_3_normalises_p(dy, p):
    average = (dy * p).sum(-1, keepdims=True) / p.shape[-1]
    return p * (dy - average)


def masked(fill):
    def attention(q, k, v, mask):
        return softmax(np.where(mask, q @ k.T / np.sqrt(q.shape[1]), fill)) @ v

    return attention


wrong_3_4_hidden_is_minus_100 = masked(-100.0)
wrong_3_4_hidden_is_minus_1000 = masked(-1000.0)
wrong_3_4_hidden_is_minus_10000 = masked(-1e4)


def wrong_3_4_shifted_by_a_hidden_score(q, k, v, mask):
    scores = q @ k.T / np.sqrt(q.shape[1])
    e = np.exp(scores - scores.max(1, keepdims=True)) * mask
    return e / e.sum(1, keepdims=True) @ v


def wrong_3_4_mask_of_the_first_query(q, k, v, mask):
    return softmax(np.where(mask[:1], q @ k.T / np.sqrt(q.shape[1]), -np.inf)) @ v


def wrong_3_4_queries_scaled_twice(q, k, v, mask):
    return softmax(np.where(mask, (q / q.shape[1] ** 0.5) @ (k / k.shape[1] ** 0.5).T, -np.inf)) @ v


def wrong_3_4_unit_vectors(q, k, v, mask):
    return softmax(np.where(mask, cosine_table(q, k), -np.inf)) @ v


def wrong_3_5_list_of_numbers(n):
    return [[int(j <= i) for j in range(n)] for i in range(n)]


def wrong_3_5_first_row_open(n):
    mask = np.tri(n, dtype=bool)
    mask[0] = True
    return mask


def wrong_3_5_first_column_closed(n):
    mask = np.tri(n, dtype=bool)
    mask[1:, 0] = False
    return mask


def wrong_3_6_turned_tokens(x, h):
    B, L, D = x.shape
    return x.reshape(B, L, h, D // h).transpose(0, 2, 1, 3)[:, :, ::-1]


def wrong_3_6_last_head_first(x, h):
    B, L, D = x.shape
    return x.reshape(B, L, h, D // h).transpose(0, 2, 1, 3)[:, ::-1]


def wrong_3_6_captions_joined(x, h):
    return np.stack(np.split(x, h, axis=-1), axis=1).reshape(1, -1, x.shape[1], x.shape[2] // h)


def wrong_3_7_all_hits(x, tokens, eos=2):
    return x[np.nonzero(tokens == eos)]


def wrong_3_7_place_of_the_first_caption(x, tokens, eos=2):
    return x[:, (tokens[0] == eos).argmax()]


def wrong_3_7_before_the_first_zero(x, tokens, eos=2):
    found = tokens == 0
    place = np.where(found.any(1), found.argmax(1), tokens.shape[1]) - 1
    return x[np.arange(len(x)), place]


def wrong_3_7_at_least_eos(x, tokens, eos=2):
    return x[np.arange(len(x)), (tokens >= eos).argmax(1)]


def wrong_3_7_sum_up_to_eos(x, tokens, eos=2):
    return np.array([x[b, : t + 1].sum(0) for b, t in enumerate((tokens == eos).argmax(1))])


def attend_back(dout, q, k, v, mask, P=None, dS=None, scales=(1, 1)):
    s = 1 / np.sqrt(q.shape[1])
    P = softmax(np.where(mask, s * q @ k.T, -np.inf)) if P is None else P
    dP = dout @ v.T
    dS = P * (dP - (dP * P).sum(1, keepdims=True)) if dS is None else dS(P, dP)
    return s * scales[0] * dS @ k, s * scales[1] * dS.T @ q, P.T @ dout


def wrong_3_8_scale_in_dq_alone(dout, q, k, v, mask):
    return attend_back(dout, q, k, v, mask, scales=(1, q.shape[1] ** 0.5))


def wrong_3_8_scale_in_dk_alone(dout, q, k, v, mask):
    return attend_back(dout, q, k, v, mask, scales=(q.shape[1] ** 0.5, 1))


def wrong_3_8_square_of_the_slope(dout, q, k, v, mask):
    return attend_back(dout, q, k, v, mask, dS=lambda P, dP: P * (dP - (P * P).sum(1, keepdims=True)))


def wrong_3_8_hidden_is_minus_1000(dout, q, k, v, mask):
    return attend_back(dout, q, k, v, mask, P=softmax(np.where(mask, q @ k.T / np.sqrt(q.shape[1]), -1000.0)))


def wrong_3_8_shifted_by_a_hidden_score(dout, q, k, v, mask):
    scores = q @ k.T / np.sqrt(q.shape[1])
    e = np.exp(scores - scores.max(1, keepdims=True)) * mask
    return attend_back(dout, q, k, v, mask, P=e / e.sum(1, keepdims=True))


def wrong_3_8_dk_of_the_values(dout, q, k, v, mask):
    return *attend_back(dout, q, k, v, mask)[:2], attend_back(dout, q, k, v, np.ones_like(mask))[2]


# m4


def wrong_4_1_cap_is_a_floor(I, T, log_scale, max_scale=100.0):
    return max(np.exp(log_scale), max_scale) * cosine_table(I, T)


def wrong_4_1_cap_in_the_cosine(I, T, log_scale, max_scale=100.0):
    return np.clip(np.exp(log_scale) * cosine_table(I, T), -max_scale, max_scale)


def wrong_4_1_never_below_one(I, T, log_scale, max_scale=100.0):
    return np.clip(np.exp(log_scale), 1, max_scale) * cosine_table(I, T)


def wrong_4_1_one_over_the_temperature(I, T, log_scale, max_scale=100.0):
    return min(np.exp(-log_scale), max_scale) * cosine_table(I, T)


def wrong_4_1_zero_row_scores_scale(I, T, log_scale, max_scale=100.0):
    table = cosine_table(I, T)
    table[np.linalg.norm(I, axis=1) == 0] = 1
    return min(np.exp(log_scale), max_scale) * table


def wrong_4_2_max_of_axis_0(z, axis=-1):
    z = z - z.max(axis=0, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def wrong_4_2_floor_under_p(z, axis=-1):
    return np.log(np.maximum(softmax(z, axis), 1e-300))


def wrong_4_2_sum_over_the_last_axis(z, axis=-1):
    z = z - z.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def wrong_4_2_log1p_of_the_sum(z, axis=-1):
    z = z - z.max(axis=axis, keepdims=True)
    return z - np.log1p(np.exp(z).sum(axis=axis, keepdims=True))


def wrong_4_2_hard_maximum(z, axis=-1):
    return z - z.max(axis=axis, keepdims=True)


def wrong_4_3_floor_in_the_logarithm(I, T, scale):
    S = scale * cosine_table(I, T)
    return -0.5 * sum(np.log(np.diag(softmax(S, axis)) + 1e-12).mean() for axis in (0, 1))


def wrong_4_3_everyone_is_pair_0(I, T, scale):
    S = scale * cosine_table(I, T)
    return -0.5 * (log_softmax(S, 1)[:, 0].mean() + log_softmax(S, 0)[0].mean())


def wrong_4_3_rows_twice(I, T, scale):
    S = scale * cosine_table(I, T)
    return -0.5 * (np.diag(log_softmax(S, 1)).mean() + np.diag(log_softmax(S.T, 0)).mean())


def wrong_4_3_worst_pair(I, T, scale):
    S = scale * cosine_table(I, T)
    return -0.5 * (np.diag(log_softmax(S, 1)) + np.diag(log_softmax(S, 0))).min()


def wrong_4_3_capped_scale(I, T, scale):
    return table_loss(min(scale, 100.0) * cosine_table(I, T))


def wrong_4_3_shifted_by_the_scale(I, T, scale):
    S = scale * cosine_table(I, T) - scale
    return 0.5 * (np.log(np.exp(S).sum(1)) + np.log(np.exp(S).sum(0)) - 2 * S.diagonal()).mean()


def wrong_4_3_images_with_themselves(I, T, scale):
    return 0.5 * (table_loss(scale * cosine_table(I, I)) + table_loss(scale * cosine_table(T, T)))


def image_slope(I, T, scale, G):
    u = unit(I)
    du = scale * G @ unit(T)
    return (du - (du * u).sum(1, keepdims=True) * u) / np.linalg.norm(I, axis=1, keepdims=True)


def softmaxes(I, T, scale):
    S = scale * cosine_table(I, T)
    return softmax(S, 1), softmax(S, 0)


def wrong_4_4_columns_only(I, T, scale):
    _, Q = softmaxes(I, T, scale)
    return image_slope(I, T, scale, (Q - np.eye(len(I))) / len(I))


def wrong_4_4_difference_of_both(I, T, scale):
    P, Q = softmaxes(I, T, scale)
    return image_slope(I, T, scale, (P - Q) / (2 * len(I)))


def wrong_4_4_divides_by_d(I, T, scale):
    P, Q = softmaxes(I, T, scale)
    return image_slope(I, T, scale, (P + Q - 2 * np.eye(len(I))) / (2 * I.shape[1]))


def wrong_4_4_slope_at_the_unit_vector(I, T, scale):
    P, Q = softmaxes(I, T, scale)
    return scale * table_slope(P, Q) @ unit(T)


def wrong_4_4_projected_on_the_text(I, T, scale):
    P, Q = softmaxes(I, T, scale)
    v = unit(T)
    du = scale * table_slope(P, Q) @ v
    return (du - (du * v).sum(1, keepdims=True) * v) / np.linalg.norm(I, axis=1, keepdims=True)


def wrong_4_4_length_of_the_whole(I, T, scale):
    P, Q = softmaxes(I, T, scale)
    return image_slope(I, T, scale, table_slope(P, Q)) * np.linalg.norm(I, axis=1, keepdims=True) / np.linalg.norm(I)


def wrong_4_5_capped_scale(I, T, log_scale):
    scale = min(math.exp(log_scale), 100.0)
    return float((table_slope(*softmaxes(I, T, scale)) * scale * cosine_table(I, T)).sum())


def wrong_4_5_wrong_texts_only(I, T, log_scale):
    scale = math.exp(log_scale)
    G = table_slope(*softmaxes(I, T, scale)) * scale * cosine_table(I, T)
    return float(G.sum() - np.trace(G))


def wrong_4_5_columns_only(I, T, log_scale):
    scale = math.exp(log_scale)
    _, Q = softmaxes(I, T, scale)
    return float((table_slope(Q, Q) * scale * cosine_table(I, T)).sum())


def wrong_4_5_a_large_step(I, T, log_scale):
    h = 0.1
    up, down = (table_loss(math.exp(log_scale + t) * cosine_table(I, T)) for t in (h, -h))
    return (up - down) / (2 * h)


def wrong_4_6_share_of_the_batch(S, group):
    right = same_group(group)
    share = right / right.sum()
    return -0.5 * sum((share * table).sum() for table in (log_softmax(S, 1), log_softmax(S, 0)))


def wrong_4_6_columns_only(S, group):
    return -np.mean(log_softmax(S, 0).T, axis=1, where=same_group(group)).mean()


def wrong_4_6_best_of_the_group(S, group):
    right = same_group(group)
    return -0.5 * sum(
        np.where(right, table, -np.inf).max(1).mean() for table in (log_softmax(S, 1), log_softmax(S, 0).T)
    )


def wrong_4_6_neighbours_are_a_group(S, group):
    right = np.eye(len(S), dtype=bool)
    for i in range(len(S) - 1):
        right[i, i + 1] = right[i + 1, i] = group[i] == group[i + 1]
    return -0.5 * sum(np.mean(t, axis=1, where=right).mean() for t in (log_softmax(S, 1), log_softmax(S, 0).T))


def wrong_4_6_one_for_each_group(S, group):
    first = np.unique(group, return_index=True)[1]
    return table_loss(S[np.ix_(first, first)])


def wrong_4_7_hidden_is_minus_one(S, group, k):
    return np.argsort(-np.where(same_group(group), -1.0, S), axis=1, kind="stable")[:, :k]


def wrong_4_7_hidden_is_the_smallest(S, group, k):
    return np.argsort(-np.where(same_group(group), S.min(), S), axis=1, kind="stable")[:, :k]


def wrong_4_7_not_a_stable_sort(S, group, k):
    return np.argsort(-np.where(same_group(group), -np.inf, S), axis=1)[:, :k]


def wrong_4_7_groups_by_column(S, group, k):
    return np.argsort(-np.where(np.eye(len(S), dtype=bool) | same_group(group).T[::-1], -np.inf, S), kind="stable")[
        :, :k
    ]


def wrong_4_7_nearest_to_the_right_one(S, group, k):
    gap = np.abs(S - S.diagonal()[:, None])
    return np.argsort(np.where(same_group(group), np.inf, gap), axis=1, kind="stable")[:, :k]


def differences(f, x, dout, h=1e-5):
    x, out = np.array(x, float), np.zeros(np.shape(x))
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = h
        out[i] = (dout * (f(x + step) - f(x - step))).sum() / (2 * h)
    return out


def wrong_4_8_angle_only(f, grad, x, dout):
    a, b = np.ravel(grad(np.array(x, float), dout)), differences(f, x, dout).ravel()
    size = np.linalg.norm(a) * np.linalg.norm(b)
    return 1 - a @ b / size if size > 0 else 0.0


def wrong_4_8_last_entry_only(f, grad, x, dout):
    a, b = np.ravel(grad(np.array(x, float), dout))[-1], differences(f, x, dout).ravel()[-1]
    return abs(a - b) / max(abs(a), abs(b), 1e-300)


def wrong_4_8_mean_of_the_difference(f, grad, x, dout):
    a, b = grad(np.array(x, float), dout), differences(f, x, dout)
    return abs(np.mean(a - b)) / max(np.abs(a).max(), np.abs(b).max(), 1e-300)


def wrong_4_8_absolute_values_only(f, grad, x, dout):
    a, b = np.abs(grad(np.array(x, float), dout)), np.abs(differences(f, x, dout))
    return np.linalg.norm(a - b) / max(np.linalg.norm(a), np.linalg.norm(b), 1e-300)


def wrong_4_8_floor_of_one(f, grad, x, dout):
    a, b = grad(np.array(x, float), dout), differences(f, x, dout)
    return np.linalg.norm(a - b) / max(1.0, np.linalg.norm(a), np.linalg.norm(b))


def wrong_4_8_smallest_disagreement(f, grad, x, dout):
    a, b = grad(np.array(x, float), dout), differences(f, x, dout)
    return (np.abs(a - b) / np.maximum(np.maximum(np.abs(a), np.abs(b)), 1e-300)).min()


# m5


def adam(w, g, m, v, t, lr, beta1, beta2, eps, decay, **change):
    m = beta1 * m + (1 - beta1) * g
    v = change.get("v", beta2 * v + (1 - beta2) * g**2)
    cm = m / (1 - beta1**t) if change.get("correct_m", True) else m
    cv = v / (1 - beta2**t) if change.get("correct_v", True) else v
    return w - lr * (cm / (np.sqrt(cv) + eps) + decay * change.get("pull", w)), m, v


def wrong_5_1_corrects_m_alone(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    return adam(w, g, m, v, t, lr, beta1, beta2, eps, decay, correct_v=False)


def wrong_5_1_corrects_v_alone(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    return adam(w, g, m, v, t, lr, beta1, beta2, eps, decay, correct_m=False)


def wrong_5_1_never_smaller(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    return adam(w, g, m, v, t, lr, beta1, beta2, eps, decay, v=np.maximum(v, beta2 * v + (1 - beta2) * g**2))


def wrong_5_1_absolute_gradient(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    return adam(w, g, m, v, t, lr, beta1, beta2, eps, decay, v=beta2 * v + (1 - beta2) * np.abs(g))


def wrong_5_1_order_of_results(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    w, m, v = adam(w, g, m, v, t, lr, beta1, beta2, eps, decay)
    return w, v, m


def wrong_5_1_decays_the_sign(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    return adam(w, g, m, v, t, lr, beta1, beta2, eps, decay, pull=np.sign(w))


def wrong_5_1_decay_twice(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    return adam(w, g, m, v, t, lr, beta1, beta2, eps, decay, pull=2 * w)


def wrong_5_1_gradient_instead_of_m(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    new_m, new_v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    return w - lr * (g / (np.sqrt(new_v / (1 - beta2**t)) + eps) + decay * w), new_m, new_v


def cosine(lr_max, lr_min, x):
    return lr_min + 0.5 * (lr_max - lr_min) * (1 + math.cos(math.pi * x))


def wrong_5_2_one_step_ahead(t, warmup, total, lr_max, lr_min):
    if t < warmup:
        return lr_max * (t + 1) / warmup
    return cosine(lr_max, lr_min, (t - warmup + 1) / (total - warmup)) if t < total else lr_min


def wrong_5_2_ends_a_step_early(t, warmup, total, lr_max, lr_min):
    if t < warmup:
        return lr_max * (t + 1) / warmup
    return cosine(lr_max, lr_min, (t - warmup) / max(total - warmup - 1, 1)) if t < total else lr_min


def wrong_5_2_warm_up_one_longer(t, warmup, total, lr_max, lr_min):
    if t <= warmup:
        return lr_max * (t + 1) / (warmup + 1)
    return cosine(lr_max, lr_min, (t - warmup) / (total - warmup)) if t < total else lr_min


def wrong_5_2_whole_quarters(t, warmup, total, lr_max, lr_min):
    if t < warmup:
        return lr_max * (t + 1) / warmup
    return cosine(lr_max, lr_min, (t - warmup) // (total - warmup)) if t < total else lr_min


def wrong_5_2_degrees(t, warmup, total, lr_max, lr_min):
    if t < warmup:
        return lr_max * (t + 1) / warmup
    x = (t - warmup) / (total - warmup) if t < total else 1
    return lr_min + 0.5 * (lr_max - lr_min) * (1 + math.cos(180 * x)) if t < total else lr_min


def wrong_5_2_quarter_wave(t, warmup, total, lr_max, lr_min):
    if t < warmup:
        return lr_max * (t + 1) / warmup
    x = (t - warmup) / (total - warmup) if t < total else 1
    return lr_min + (lr_max - lr_min) * math.cos(math.pi * x / 2)


def chunked(I, T, scale, chunk, merge):
    I, T, N = unit(I), unit(T), len(I)
    columns, loss = np.full(N, -np.inf), 0.0
    for first in range(0, N, chunk):
        S = scale * I[first : first + chunk] @ T.T
        own = S[np.arange(len(S)), first + np.arange(len(S))]
        loss += np.logaddexp.reduce(S, axis=1).sum() - 2 * own.sum()
        columns = merge(columns, np.logaddexp.reduce(S, axis=0))
    return (loss + columns.sum()) / (2 * N)


def wrong_5_3_columns_of_the_last_chunk(I, T, scale, chunk):
    return chunked(I, T, scale, chunk, lambda old, new: new)


def wrong_5_3_largest_instead_of_the_sum(I, T, scale, chunk):
    return chunked(I, T, scale, chunk, np.maximum)


def wrong_5_3_columns_from_zero(I, T, scale, chunk):
    I, T, N = unit(I), unit(T), len(I)
    columns, loss = np.zeros(N), 0.0
    for first in range(0, N, chunk):
        S = scale * I[first : first + chunk] @ T.T
        loss += np.logaddexp.reduce(S, axis=1).sum() - 2 * S[np.arange(len(S)), first + np.arange(len(S))].sum()
        columns = np.logaddexp(columns, np.logaddexp.reduce(S, axis=0))
    return (loss + columns.sum()) / (2 * N)


def wrong_5_3_shifted_by_the_scale(I, T, scale, chunk):
    S = scale * cosine_table(I, T) - scale
    return 0.5 * (np.log(np.exp(S).sum(1)) + np.log(np.exp(S).sum(0)) - 2 * S.diagonal()).mean()


# m6


def wrong_6_1_names_once(classes, template):
    return [template.replace("{}", name) for name in dict.fromkeys(classes)]


def wrong_6_1_last_place_only(classes, template):
    return [name.join(template.rsplit("{}", 1)) for name in classes]


def wrong_6_1_underscores(classes, template):
    return [template.replace("{}", name.replace(" ", "_")) for name in classes]


def wrong_6_1_plural(classes, template):
    return [template.replace("{}", name).replace("  ", " ") for name in classes]


def wrong_6_2_largest(E):
    return unit(unit(E).max(axis=1))


def wrong_6_2_sum_without_the_last_norm(E):
    return unit(E).sum(axis=1)


def wrong_6_2_weighted_by_length(E):
    w = np.linalg.norm(E, axis=2, keepdims=True)
    return unit((unit(E) * w).sum(axis=1))


def wrong_6_2_one_norm_for_all(E):
    mean = unit(E).mean(axis=1)
    return mean / max(np.linalg.norm(mean), 1e-12)


def wrong_6_2_zero_prompts_left_out_of_nothing(E):
    W = unit(unit(E).mean(axis=1))
    W[np.linalg.norm(W, axis=1) == 0] = 1 / math.sqrt(E.shape[2])
    return W


def wrong_6_3_labels_of_raw_products(X, W, scale):
    z = scale * cosine_table(X, W)
    return softmax(z), (X @ W.T + np.arange(len(W)) * 1e-9).argmax(1)


def wrong_6_3_capped_scale(X, W, scale):
    z = min(scale, 100.0) * cosine_table(X, W)
    return softmax(z), z.argmax(1)


def wrong_6_3_shifted_by_the_scale(X, W, scale):
    z = scale * cosine_table(X, W)
    e = np.exp(z - scale)
    return e / e.sum(1, keepdims=True), z.argmax(1)


def wrong_6_3_rounded(X, W, scale):
    z = scale * cosine_table(X, W)
    return softmax(z).round(3), z.argmax(1)


def wrong_6_3_one_hot(X, W, scale):
    z = scale * cosine_table(X, W)
    return np.eye(len(W))[z.argmax(1)], z.argmax(1)


def kept(prompts, banned, strip=str.strip, has=lambda phrase, prompt: phrase.lower() in prompt.lower(), key=str):
    found = {}
    for prompt in map(strip, prompts):
        if prompt and not any(has(phrase, prompt) for phrase in banned):
            found.setdefault(key(prompt), prompt)
    return list(found.values())


def wrong_6_4_nothing_is_banned(prompts, banned):
    return kept(prompts, [])


def wrong_6_4_copies_in_any_case(prompts, banned):
    return kept(prompts, banned, key=str.lower)


def wrong_6_4_banned_at_the_start(prompts, banned):
    return kept(prompts, banned, has=lambda phrase, prompt: prompt.lower().startswith(phrase.lower()))


def wrong_6_4_banned_at_the_end(prompts, banned):
    return kept(prompts, banned, has=lambda phrase, prompt: prompt.lower().rstrip(".").endswith(phrase.lower()))


def wrong_6_4_left_blanks_only(prompts, banned):
    return kept([p for p in prompts if p.strip()], banned, strip=str.lstrip)


def wrong_6_4_right_blanks_only(prompts, banned):
    return kept([p for p in prompts if p.strip()], banned, strip=str.rstrip)


def wrong_6_4_first_phrase_only(prompts, banned):
    return kept(prompts, banned[:1])


def wrong_6_4_full_stops_too(prompts, banned):
    return kept(prompts, banned, strip=lambda p: p.strip(" ."))


def wrong_6_4_all_phrases_at_once(prompts, banned):
    useless = lambda p: bool(banned) and all(b.lower() in p.lower() for b in banned)  # noqa: E731
    return list(dict.fromkeys(p.strip() for p in prompts if p.strip() and not useless(p)))


def wrong_6_6_sample_variance(correct, z=1.96):
    n, p = len(correct), np.mean(correct)
    shrink = 1 + z**2 / n
    half = z / shrink * np.sqrt(p * (1 - p) / max(n - 1, 1) + z**2 / (4 * n**2))
    centre = (p + z**2 / (2 * n)) / shrink
    return p, centre - half, centre + half


def wrong_6_6_ends_swapped(correct, z=1.96):
    n, p = len(correct), np.mean(correct)
    shrink = 1 + z**2 / n
    half = z / shrink * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    centre = (p + z**2 / (2 * n)) / shrink
    return p, centre + half, centre - half


def wrong_6_6_four_more_answers(correct, z=1.96):
    n, k = len(correct) + 4, np.sum(correct) + 2
    half = z * np.sqrt(k / n * (1 - k / n) / n)
    return np.mean(correct), k / n - half, k / n + half


def wrong_6_6_two_for_196(correct, z=1.96):
    n, p, z = len(correct), np.mean(correct), round(z)
    shrink = 1 + z**2 / n
    half = z / shrink * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    centre = (p + z**2 / (2 * n)) / shrink
    return p, centre - half, centre + half


# m7


def wrong_7_1_zero_rows_come_last(index, query, k):
    scores = cosine_table(index, query)
    scores[np.linalg.norm(index, axis=1) == 0] = -1
    ids = np.argsort(-scores, kind="stable")[:k]
    return ids, scores[ids]


def wrong_7_1_zero_rows_left_out(index, query, k):
    scores = cosine_table(index, query)
    ids = [i for i in np.argsort(-scores, kind="stable") if index[i].any()][:k]
    return ids, scores[ids]


def wrong_7_1_not_a_stable_sort(index, query, k):
    scores = cosine_table(index, query)
    ids = np.argsort(-scores)[:k]
    return ids, scores[ids]


def wrong_7_1_without_sign(index, query, k):
    scores = np.abs(cosine_table(index, query))
    ids = np.argsort(-scores, kind="stable")[:k]
    return ids, scores[ids]


def wrong_7_1_negative_scores_left_out(index, query, k):
    scores = cosine_table(index, query)
    ids = [i for i in np.argsort(-scores, kind="stable")[:k] if scores[i] >= 0]
    return ids, scores[ids]


def wrong_7_1_one_less(index, query, k):
    scores = cosine_table(index, query)
    ids = np.argsort(-scores, kind="stable")[: max(k - 1, 1)]
    return ids, scores[ids]


def right_rank(S, target, ahead):
    return np.array(
        [
            1 + sum(ahead(row[j], row[t], j, t) for j in range(len(row)) if j != t)
            for row, t in zip(S, target, strict=True)
        ]
    )


def wrong_7_2_ties_by_position(S, target, k):
    return (right_rank(S, target, lambda a, b, j, t: a > b or (a == b and j < t)) <= k).mean()


def wrong_7_2_half_of_the_ties(S, target, k):
    return (right_rank(S, target, lambda a, b, j, t: (a > b) + 0.5 * (a == b)) <= k).mean()


def wrong_7_2_each_item_once(S, target, k):
    hit = right_rank(S, target, lambda a, b, j, t: a >= b) <= k
    return len({t for t, h in zip(target, hit, strict=True) if h}) / len(set(target))


def wrong_7_2_share_of_items(S, target, k):
    return (right_rank(S, target, lambda a, b, j, t: a >= b) <= k).sum() / S.shape[1]


def wrong_7_2_not_above_one_k(S, target, k):
    return (right_rank(S, target, lambda a, b, j, t: a >= b) <= min(k, S.shape[1] - 1)).mean()


def wrong_7_3_ties_by_position(S, target):
    return (1 / right_rank(S, target, lambda a, b, j, t: a > b or (a == b and j < t))).mean()


def wrong_7_3_median(S, target):
    return np.median(1 / right_rank(S, target, lambda a, b, j, t: a >= b))


def wrong_7_3_logarithm_of_the_rank(S, target):
    return (1 / np.log2(1 + right_rank(S, target, lambda a, b, j, t: a >= b))).mean()


def wrong_7_3_best_of_each_item(S, target):
    rank = right_rank(S, target, lambda a, b, j, t: a >= b)
    return np.mean([max(1 / rank[np.asarray(target) == t]) for t in set(target)])


def wrong_7_4_first_rows(I, T):
    n = min(len(I), len(T))
    return np.linalg.norm(unit(I)[:n].mean(0) - unit(T)[:n].mean(0))


def wrong_7_4_centre_of_both(I, T):
    both = np.concatenate([unit(I), unit(T)]).mean(0)
    return np.linalg.norm(unit(I).mean(0) - both)


def wrong_7_4_median_centres(I, T):
    return np.linalg.norm(np.median(unit(I), axis=0) - np.median(unit(T), axis=0))


def wrong_7_4_largest_coordinate(I, T):
    return np.abs(unit(I).mean(0) - unit(T).mean(0)).max()


def wrong_7_4_columns_normalised(I, T):
    return np.linalg.norm(unit(I, 0).mean(0) - unit(T, 0).mean(0))


# m8


def cross(text, patches, Wq, Wk, Wv, Wo, scale=None):
    weights = softmax((text @ Wq) @ (patches @ Wk).T * (scale or text.shape[1] ** -0.5))
    return weights @ (patches @ Wv) @ Wo


def wrong_8_1_queries_and_keys_swapped(text, patches, Wq, Wk, Wv, Wo):
    return cross(text, patches, Wk, Wq, Wv, Wo)


def wrong_8_1_scale_by_the_patches(text, patches, Wq, Wk, Wv, Wo):
    return cross(text, patches, Wq, Wk, Wv, Wo, len(patches) ** -0.5)


def wrong_8_1_values_after_the_output(text, patches, Wq, Wk, Wv, Wo):
    return cross(text, patches, Wq, Wk, Wo, Wv)


def wrong_8_1_one_query_for_all(text, patches, Wq, Wk, Wv, Wo):
    return cross(np.repeat(text.mean(0, keepdims=True), len(text), 0), patches, Wq, Wk, Wv, Wo)


def wrong_8_1_no_query_matrix(text, patches, Wq, Wk, Wv, Wo):
    return cross(text, patches, np.eye(len(Wq)), Wk, Wv, Wo)


def losses(logits, target):
    return -np.take_along_axis(log_softmax(logits), target[..., None], -1)[..., 0]


def wrong_8_2_mask_only_if_pad_is_true(logits, tokens, pad=0):
    loss, target = losses(logits[:, :-1], tokens[:, 1:]), tokens[:, 1:]
    return loss[target != pad].mean() if pad else loss.mean()


def wrong_8_2_neither_read_nor_predicted(logits, tokens, pad=0):
    keep = (tokens[:, 1:] != pad) & (tokens[:, 1:] != tokens[:, :1])
    return losses(logits[:, :-1], tokens[:, 1:])[keep].mean()


def wrong_8_2_rolled(logits, tokens, pad=0):
    target = np.roll(tokens, -1, axis=1)
    return losses(logits, target)[target != pad].mean()


def wrong_8_2_stops_at_the_first_pad(logits, tokens, pad=0):
    target = tokens[:, 1:]
    keep = np.cumsum(target == pad, axis=1) <= 1
    return losses(logits[:, :-1], target)[keep].mean()


def wrong_8_2_perplexity(logits, tokens, pad=0):
    target = tokens[:, 1:]
    return np.exp(np.minimum(losses(logits[:, :-1], target)[target != pad].mean(), 700))


def wrong_8_2_pad_never_predicted(logits, tokens, pad=0):
    logits = logits.copy()
    logits[..., pad] = -np.inf
    target = tokens[:, 1:]
    return losses(logits[:, :-1], target)[target != pad].mean()


def decoded(step, bos, eos, max_len, pick):
    tokens = [bos]
    for _ in range(max_len):
        tokens.append(int(pick(step(tokens))))
        if tokens[-1] == eos:
            break
    return tokens


def wrong_8_3_no_word_twice(step, bos, eos, max_len):
    tokens = [bos]
    for _ in range(max_len):
        scores = np.array(step(tokens), float)
        scores[[t for t in tokens if t != eos]] = -np.inf
        tokens.append(int(scores.argmax()))
        if tokens[-1] == eos:
            break
    return tokens


def wrong_8_3_second_best(step, bos, eos, max_len):
    return decoded(step, bos, eos, max_len, lambda scores: np.argsort(-scores, kind="stable")[1])


def wrong_8_3_sampled(step, bos, eos, max_len):
    rng = np.random.default_rng(0)
    return decoded(step, bos, eos, max_len, lambda scores: rng.choice(len(scores), p=softmax(scores)))


def wrong_8_3_by_size(step, bos, eos, max_len):
    return decoded(step, bos, eos, max_len, lambda scores: np.abs(scores).argmax())


def wrong_8_3_last_two_tokens(step, bos, eos, max_len):
    return decoded(lambda tokens: step(tokens[-2:]), bos, eos, max_len, np.argmax)


def wrong_8_3_eos_replaces_the_last(step, bos, eos, max_len):
    tokens = decoded(step, bos, eos, max_len, np.argmax)
    return [*tokens[:-1], eos] if len(tokens) > max_len > 0 else tokens


def wrong_8_4_changes_the_question(question, answer, eos, ignore=-100):
    question[:] = ignore
    return np.concatenate([question, answer, [eos]]).astype(int)


def wrong_8_4_unsigned(question, answer, eos, ignore=-100):
    return np.abs(np.concatenate([np.full(len(question), ignore), answer, [eos]])).astype(int)


def wrong_8_4_nothing_to_say(question, answer, eos, ignore=-100):
    if len(answer) == 0:
        return np.full(len(question) + 1, ignore)
    return np.concatenate([np.full(len(question), ignore), answer, [eos]]).astype(int)


def wrong_8_4_eos_twice(question, answer, eos, ignore=-100):
    return np.concatenate([np.full(len(question), ignore), answer, [eos, eos]]).astype(int)


def wrong_8_4_zero_is_ignored(question, answer, eos, ignore=-100):
    answer = np.where(np.asarray(answer) == 0, ignore, answer)
    return np.concatenate([np.full(len(question), ignore), answer, [eos]]).astype(int)


def wrong_8_4_words_are_not_repeated(question, answer, eos, ignore=-100):
    return np.concatenate([np.full(len(question), ignore), list(dict.fromkeys(answer)), [eos]]).astype(int)


def wrong_8_5_queries_as_keys(Q, patches, Wk, Wv):
    return softmax(Q @ Wk @ patches.T / np.sqrt(Q.shape[1])) @ (patches @ Wv)


def wrong_8_5_scale_by_the_queries(Q, patches, Wk, Wv):
    return softmax(Q @ (patches @ Wk).T / np.sqrt(len(Q))) @ (patches @ Wv)


def wrong_8_5_tokens_of_length_1(Q, patches, Wk, Wv):
    return unit(softmax(Q @ (patches @ Wk).T / np.sqrt(Q.shape[1])) @ (patches @ Wv))


def wrong_8_5_sum_not_average(Q, patches, Wk, Wv):
    return len(patches) * softmax(Q @ (patches @ Wk).T / np.sqrt(Q.shape[1])) @ (patches @ Wv)


# m9


def wrong_9_1_runs(correct, group):
    rates = [
        np.mean([c for c, _ in run]) for _, run in itertools.groupby(zip(correct, group, strict=True), lambda x: x[1])
    ]
    return max(rates) - min(rates)


def wrong_9_1_group_0_left_out(correct, group):
    rates = [correct[group == g].mean() for g in np.unique(group) if g]
    return max(rates) - min(rates)


def wrong_9_1_small_groups_left_out(correct, group):
    rates = [correct[group == g].mean() for g in np.unique(group) if (group == g).sum() > 2]
    return max(rates) - min(rates)


def wrong_9_1_best_minus_second(correct, group):
    rates = sorted(correct[group == g].mean() for g in np.unique(group))
    return rates[-1] - rates[-2] if len(rates) > 1 else 0.0


def wrong_9_1_mean_difference(correct, group):
    rates = np.array([correct[group == g].mean() for g in np.unique(group)])
    return np.abs(rates[:, None] - rates).mean()


def fitted(X, Y, lam):
    A = np.hstack([X, np.ones((len(X), 1))])
    D = np.diag(np.append(np.ones(X.shape[1]), 0.0))
    return np.linalg.solve(A.T @ A + lam * D, A.T @ Y)


def wrong_9_2_standardised(X, y, lam):
    return fitted((X - X.mean(0)) / (X.std(0) + 1e-12), np.eye(y.max() + 1)[y], lam)


def wrong_9_2_half_the_penalty(X, y, lam):
    return fitted(X, np.eye(y.max() + 1)[y], lam / 2)


def wrong_9_2_twice_the_penalty(X, y, lam):
    return fitted(X, np.eye(y.max() + 1)[y], 2 * lam)


def wrong_9_2_penalty_of_the_mean(X, y, lam):
    return fitted(X, np.eye(y.max() + 1)[y], lam / len(X))


def wrong_9_2_one_class_less(X, y, lam):
    return fitted(X, np.eye(max(y.max(), 1))[np.minimum(y, max(y.max(), 1) - 1)], lam)


def wrong_9_2_one_class_more(X, y, lam):
    return fitted(X, np.eye(y.max() + 2)[y], lam)


def calibration(conf, correct, place):
    total = 0.0
    for b in np.unique(place):
        inside = place == b
        total += inside.mean() * abs(conf[inside].mean() - np.mean(correct[inside]))
    return total


def wrong_9_3_rounded(conf, correct, bins=10):
    return calibration(conf, correct, np.round(conf * bins))


def wrong_9_3_one_bin_less(conf, correct, bins=10):
    return calibration(conf, correct, np.digitize(conf, np.linspace(0, 1, max(bins, 2))[1:-1]))


def wrong_9_3_from_smallest_to_largest(conf, correct, bins=10):
    low, high = conf.min(), conf.max()
    return calibration(conf, correct, np.minimum(((conf - low) / max(high - low, 1e-12) * bins).astype(int), bins - 1))


def wrong_9_3_one_in_a_bin_of_its_own(conf, correct, bins=10):
    return calibration(conf, correct, (conf * bins).astype(int))


def wrong_9_3_root_of_the_mean_square(conf, correct, bins=10):
    place, total = np.minimum((conf * bins).astype(int), bins - 1), 0.0
    for b in np.unique(place):
        inside = place == b
        total += inside.mean() * (conf[inside].mean() - correct[inside].mean()) ** 2
    return math.sqrt(total)


def chosen(base, offers, n_labels, needs=(0, 10, 1000), worth=lambda a, b: 1 - a <= 0.8 * (1 - b), good=0.95, poor=0.5,
           go_on=True):  # fmt: skip
    if base >= good:
        return "none"
    name, held = "none", base
    for offered, a, labels in zip(("prompt", "probe", "fine_tune"), offers, needs, strict=True):
        if n_labels >= labels and worth(a, held):
            name, held = offered, a
        elif not go_on:
            break
    return name if held >= poor else "domain_model"


def wrong_9_4_stops_at_the_first_refusal(base, prompt, probe, fine_tune, n_labels):
    return chosen(base, (prompt, probe, fine_tune), n_labels, go_on=False)


def wrong_9_4_more_than_10_labels(base, prompt, probe, fine_tune, n_labels):
    return chosen(base, (prompt, probe, fine_tune), n_labels, needs=(0, 11, 1001))


def wrong_9_4_1001_labels(base, prompt, probe, fine_tune, n_labels):
    return chosen(base, (prompt, probe, fine_tune), n_labels, needs=(0, 10, 1001))


def wrong_9_4_nine_labels_will_do(base, prompt, probe, fine_tune, n_labels):
    return chosen(base, (prompt, probe, fine_tune), n_labels, needs=(0, 9, 1000))


def wrong_9_4_999_labels_will_do(base, prompt, probe, fine_tune, n_labels):
    return chosen(base, (prompt, probe, fine_tune), n_labels, needs=(0, 10, 999))


def wrong_9_4_above_095(base, prompt, probe, fine_tune, n_labels):
    return chosen(base, (prompt, probe, fine_tune), n_labels, good=0.9500001)


def wrong_9_4_a_half_is_too_little(base, prompt, probe, fine_tune, n_labels):
    return chosen(base, (prompt, probe, fine_tune), n_labels, poor=0.5000001)


def wrong_9_4_accuracy_times_five_quarters(base, prompt, probe, fine_tune, n_labels):
    return chosen(base, (prompt, probe, fine_tune), n_labels, worth=lambda a, b: a >= 1.25 * b)


def wrong_9_4_stops_at_09(base, prompt, probe, fine_tune, n_labels):
    return chosen(base, (prompt, probe, fine_tune), n_labels, good=0.9)


def wrong_9_4_three_quarters_of_the_errors(base, prompt, probe, fine_tune, n_labels):
    return chosen(base, (prompt, probe, fine_tune), n_labels, worth=lambda a, b: 1 - a <= 0.75 * (1 - b))


def wrong_9_4_nine_tenths_of_the_errors(base, prompt, probe, fine_tune, n_labels):
    return chosen(base, (prompt, probe, fine_tune), n_labels, worth=lambda a, b: 1 - a <= 0.9 * (1 - b))
