"""A made table as users have them: 5,000 rows of 5 groups, numbers of different units, categories, gaps.

    python results/own/made_table.py > made.csv

Three columns of numbers (income, age, distance: two of them skewed), two of categories (region, plan), 10 % of the
cells missing at random, the group in the column `class`. Written to standard error: the accuracy of the Bayes rule,
which knows the distributions, and of k-means on the standardised columns with means and one-hot categories.
Needs numpy and scikit-learn. Its settings were chosen by these two numbers alone, before any method was tried.
"""

import csv
import sys

import numpy as np

SEED = 20260101
N = 5000
SHARES = np.array([0.30, 0.25, 0.20, 0.15, 0.10])
# Means and standard deviations of log income, age, log distance.
MEANS = np.array([[9.6, 24, 1.0], [10.9, 36, 3.3], [10.2, 63, 1.6], [11.6, 52, 4.4], [9.0, 45, 3.9]])
DEVIATIONS = np.array([0.40, 6.5, 0.65])
REGIONS = ["north", "south", "east", "west", "centre", "islands"]
PLANS = ["basic", "plus", "family", "pro"]


def peaked(n_levels, places, weight):
    """Of each group: `weight` on its own levels, the rest on all."""
    table = np.full((len(places), n_levels), (1 - weight) / n_levels)
    for group, own in enumerate(places):
        table[group, own] += weight / len(own)
    return table


REGION = peaked(len(REGIONS), [[0, 1], [2], [3, 4], [1, 5], [4]], 0.75)
PLAN = peaked(len(PLANS), [[0], [1, 2], [2], [3], [0, 3]], 0.75)


def draw(rng):
    group = rng.choice(len(SHARES), N, p=SHARES)
    z = MEANS[group] + DEVIATIONS * rng.standard_normal((N, 3))
    region = np.array([rng.choice(len(REGIONS), p=REGION[g]) for g in group])
    plan = np.array([rng.choice(len(PLANS), p=PLAN[g]) for g in group])
    missing = rng.random((N, 5)) < 0.10
    return group, z, region, plan, missing


def bayes(group, z, region, plan, missing):
    log_p = np.tile(np.log(SHARES), (N, 1))
    for j in range(3):
        d = (z[:, [j]] - MEANS[:, j]) / DEVIATIONS[j]
        log_p += np.where(missing[:, [j]], 0.0, -0.5 * d**2)
    log_p += np.where(missing[:, [3]], 0.0, np.log(REGION[:, region].T))
    log_p += np.where(missing[:, [4]], 0.0, np.log(PLAN[:, plan].T))
    return (log_p.argmax(1) == group).mean()


def kmeans(group, z, region, plan, missing):
    from scipy.optimize import linear_sum_assignment
    from sklearn.cluster import KMeans

    numbers = np.column_stack([np.exp(z[:, 0]), z[:, 1], np.exp(z[:, 2])])
    numbers = np.where(missing[:, :3], np.nan, numbers)
    numbers = np.where(np.isnan(numbers), np.nanmean(numbers, 0), numbers)
    hot = [np.eye(k)[v] * ~missing[:, [j]] for j, (v, k) in ((3, (region, len(REGIONS))), (4, (plan, len(PLANS))))]
    x = np.column_stack([numbers, *hot])
    x = (x - x.mean(0)) / x.std(0)
    found = KMeans(5, n_init=10, random_state=0).fit_predict(x)
    table = np.zeros((5, 5), int)
    np.add.at(table, (group, found), 1)
    rows, columns = linear_sum_assignment(-table)
    return table[rows, columns].sum() / N


def main():
    group, z, region, plan, missing = drawn = draw(np.random.default_rng(SEED))
    print(f"Bayes rule {bayes(*drawn):.4f}, k-means {kmeans(*drawn):.4f}", file=sys.stderr)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["income", "age", "distance_km", "region", "plan", "class"])
    for i in range(N):
        cells = [f"{np.exp(z[i, 0]):.0f}", f"{z[i, 1]:.1f}", f"{np.exp(z[i, 2]):.2f}", REGIONS[region[i]], PLANS[plan[i]]]
        out.writerow(["" if missing[i, j] else cell for j, cell in enumerate(cells)] + [f"group {group[i]}"])


main()
