"""What every code means and what to do about it, a paragraph each, for ``scalaw explain D012``.

D is about data, P about a forecast's question, M about laws and models, S about sampling and saved fits. A
problem's own text names the file, column and rows; the paragraph here says why scalaw cares. A test holds
this list against the code.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from scalaw.errors import ScalawError

_FILES = {
    "D001": (
        "The file does not exist, is a folder, or cannot be opened. Check the name, the folder and your "
        "permission to read it; names that look alike in the same folder are suggested."
    ),
    "D002": (
        "The file has no content. A table starts with a header line such as N,D,loss and holds one line per "
        "run."
    ),
    "D003": (
        "No run is left: the table has a header only, or every row was left out as you asked "
        "(missing='drop', dedupe=True). The conversions listed say which rows went."
    ),
    "D004": (
        "The bytes are no text in the encoding named. Spreadsheets often write Latin-1 or UTF-16: save the "
        "file as UTF-8, or pass encoding='latin-1' or encoding='utf-16'."
    ),
    "D005": (
        "The file starts with a byte order mark, an invisible sign that some programs write. It is left out."
    ),
    "D007": (
        "The fields are separated by another sign than the file's ending suggests. The delimiter is taken "
        "from the header line; pass sep=';' (or what it is) to say that this is meant."
    ),
    "D008": (
        "A number is written with a comma where a point is expected, or the reverse. 2,314 could be two or "
        "two thousand, so it is not guessed: pass decimal=',' if commas are decimal signs."
    ),
    "D009": (
        "Digit groups such as 1,000,000 or 1_000_000 were read as one number. Nothing to do if that is right."
    ),
    "D010": (
        "A line has more or fewer fields than the header, or its quotes do not close. Reading on would "
        "shift values into the wrong columns. Quote texts that contain the delimiter."
    ),
    "D011": (
        "Two columns (or two keys of one JSON object) share a name, so a name would not say which is meant. "
        "Rename all but one."
    ),
    "D012": (
        "A column that is needed is not there. Roles are found by usual names (N, params, model_size; D, "
        "tokens; C, flops, compute; loss, val_loss); for others say columns={'D': 'my_tokens'}. "
        "One-dimensional laws need x bound to a column: x='C'."
    ),
    "D013": (
        "Several columns could play one role, or one column was given two. Choosing is your decision: "
        "columns={'loss': 'val_loss'}. Held-out loss is usual; training loss alone is read with a warning."
    ),
    "D014": (
        "A column's name has blanks around it or letters of another script that look Latin, such as a Greek "
        "Nu for N. It was read as what it looks like; rename it to silence this."
    ),
    "D015": (
        "The file is not what its name says: a spreadsheet, an archive, a web page, a broken gzip or "
        "Parquet file. Export the table as CSV, or download the raw file."
    ),
    "D016": (
        "The table is huge. Scaling laws are fitted to final losses of runs; rows along one training curve "
        "are not independent. Keep the last row of each run."
    ),
    "D017": (
        "The JSON is broken or not a table. Write a list of objects, one per run; in a .jsonl file one "
        "object per line. Line and column of the fault are given."
    ),
    "D018": (
        "Reading this format needs a package that is not installed: pip install 'scalaw[parquet]' brings it."
    ),
}

_VALUES = {
    "D019": (
        "A column of numbers holds text. If a text means missing, say so: na_values=['-', 'TBD']; rows with "
        "missing numbers are then refused or left out as you choose."
    ),
    "D020": (
        "A loss is missing. Runs that diverged are information: leaving them out makes the rest look better "
        "than your next run may be. missing='drop' leaves them out and records it."
    ),
    "D021": (
        "A number of a covariate is missing. Complete it, or leave the rows out with missing='drop'; a "
        "published table may lack it for some models."
    ),
    "D022": ("A value is infinite. An infinite loss is a diverged run; an infinite size is a broken export."),
    "D023": (
        "A loss is zero or negative. Cross-entropies are positive (perplexities above 1), and laws are "
        "fitted to their logarithm. Map the loss itself, not its logarithm, a reward or a difference."
    ),
    "D024": (
        "A covariate lies outside its domain: sizes, tokens and compute are above zero, shares between 0 "
        "and 1."
    ),
    "D025": (
        "A column that should hold numbers holds true/false, dates, complex numbers or labels. Map another "
        "one."
    ),
    "D026": (
        "Negative whole numbers of about two billion are what a 32-bit counter shows after it overflowed. "
        "The true value is lost: export the column as a float."
    ),
    "D027": (
        "Values are far too small for counts of parameters, tokens or FLOP, as if they were in billions, millions "
        "or PF-days. They are read as written; pass units={'N': 'B'} or {'C': 'PF-days'} if so. Only the "
        "amplitude would be wrong, but every forecast you ask for in full units would be far off."
    ),
    "D028": (
        "Units inside one column differ: some cells carry one (70B) and others do not (13), or the unit "
        "does not belong to the role (FLOP for N). Write every cell in one way."
    ),
    "D029": (
        "Cells with units, such as 1.4T or 6.3 PF-days, were read into base units. Check the first ones "
        "shown."
    ),
    "D030": (
        "A suffix can be read in two ways: m (milli or million), G (a billion, or bytes), KB, MB, GB, TB "
        "(bytes). Use K, M, B, T; units='si' reads SI prefixes. Bytes are no tokens."
    ),
    "D032": (
        "The kind of the losses is unknown, mixed, cannot be converted as asked, or looks like another: "
        "values far above ten are usually perplexities. Say loss_kind='perplexity' and convert_to='nats'; "
        "bits per byte need bytes_per_token, which depends on tokenizer and text."
    ),
    "D033": (
        "Values between 0 and 1 look like shares (error, accuracy), or shares lie outside 0 to 1. Say "
        "loss_kind='error' or 'accuracy', with units={'loss': '%'} for percentages. Cross-entropies per "
        "token are rarely below 1; per character or byte they are."
    ),
    "D034": (
        "The compute given differs from 6ND by more than a fifth. Attention over the context, embedding "
        "parameters and recomputation explain most of it. Say how C was counted, flops='…', so that results "
        "in C can be compared."
    ),
    "D035": (
        "Two of N, D and C were given and the third follows from C = 6ND (arXiv:2001.08361 section 2.1). It "
        "is not computed where C was counted by another rule, or N leaves out the embeddings that C may "
        "count."
    ),
    "D036": (
        "A column says that N was counted in more than one way. With and without embeddings the exponents "
        "differ (arXiv:2406.12907). Give N in one convention, and say which: convention='total'."
    ),
    "D037": (
        "Rows repeat exactly. Two copies of a run count as two measurements, which makes intervals too "
        "narrow. dedupe=True leaves the copies out and records it."
    ),
    "D038": (
        "The same N and D occur with different losses, from other seeds or settings: they show the noise "
        "between runs, which is good to have."
    ),
    "D039": (
        "One run appears at several token counts. Checkpoints of one run are not independent, and those "
        "before the learning rate decayed are not final losses. Keep the last row of each run."
    ),
    "D050": "A row has no label in a column that groups the runs. Call it 'unknown' if that is meant.",
    "D058": ("A number is beyond any run that could exist. Wrapped 64-bit counters and wrong units do this."),
    "D059": (
        "A cell holds a percent or currency sign. Write plain numbers; units={'loss': '%'} divides by 100."
    ),
}

_DESIGN = {
    "D040": (
        "A covariate has one value in every run, so the runs say nothing about its effect; what the fit "
        "shows for its parameters is their prior. Fix them, add runs that vary it, or use a law without it."
    ),
    "D041": (
        "Two covariates change together (all runs at 20 tokens per parameter, say). Their effects cannot be "
        "told apart: a forecast along the same line is learned from the runs, one off it comes from the "
        "prior."
    ),
    "D042": (
        "There are no more runs than free parameters, those of the noise included: the answer would be the "
        "prior. Add runs, fix parameters, or pass allow_prior_dominated=True and report the prior with the "
        "result."
    ),
    "D043": (
        "A covariate spans less than a decade. Its exponent is poorly learned, and forecasts reach far in "
        "terms of what was seen. A few much smaller runs cost little and help most."
    ),
    "D044": (
        "Some runs have fewer tokens than parameters. That is far from compute-optimal; more often D is in "
        "thousands, or in steps or sequences and not in tokens."
    ),
    "D045": (
        "The loss does not fall with compute. Check sign, units, the response's kind, and diverged runs."
    ),
    "D046": "A loss above ln(vocabulary) is worse than a uniform guess: an untrained or diverged run.",
    "D056": (
        "Row weights choose or repeat rows: finite, not negative, and not all zero. They are no measurement "
        "precision."
    ),
    "D062": (
        "The rows are no training runs (projections from a fit, several metrics mixed, a metric that is no "
        "loss), so a fit would mean nothing. Choose one metric, or another table."
    ),
    "D063": "A selection needs one True or False per run, or positions from 0 that exist.",
    "D064": "There is no such published table, metric or code; those that exist are listed.",
    "D066": (
        "The runs measure something else than the law predicts: accuracies, which rise with scale, for a law that "
        "falls; losses for a law of a share; errors for a law of accuracies. A fit would put the difference into its "
        "noise. Accuracies become errors, and back, with convert_to='error'; loss_kind says what the losses are."
    ),
    "D067": (
        "A column that the noise reads holds what cannot be: a standard error or rounding step below 0 or as large as "
        "the loss, trials that are no whole number from 1, a share that is no whole number of its trials, or exactly "
        "0 or 1 where the noise is of shares in between."
    ),
    "D068": (
        "The noise of rounded losses takes the losses as printed with the number of decimals that the longest of them "
        "has: half a step of the last one to either side. Where that is not so, because a zero at the end was dropped "
        "in every row or the losses were computed, give a column loss_half_width in the unit of the loss."
    ),
    "D069": (
        "Two data sets of a batch have one name, so nobody could tell their fits apart. Give the tables as a mapping "
        "of names to runs, or name the files differently."
    ),
    "D070": (
        "A cell of a column of learning-rate schedules cannot be read. Write a builder with all arguments by name: "
        "constant(peak, steps), cosine(peak, end, steps), linear(peak, end, steps), wsd(peak, end, steps, decay) or "
        "step(peak, steps, every, factor), each with warmup=… steps if there is one; or name a CSV file beside the "
        "table with one learning rate per line, or with columns step and lr. Cells are never run as code."
    ),
    "D071": (
        "A vector such as a mixture is a column per component, r[github], r[web] and so on, and the table has another "
        "number of them than the law takes. Ask for the variant of the law with that number, "
        "data_mixing_ye[domains=3], or leave columns out."
    ),
    "D072": (
        "The shares of a run do not add up: those of a mixture sum to one within a millionth, other shares to at most "
        "one. Nothing is rescaled, since a domain may be missing: add it, correct the rows, or pass units={'r': '%'} "
        "for percentages."
    ),
    "D065": "An option of reading has a value that is not known; those that are known are listed.",
}

_QUESTIONS = {
    "P001": (
        "A quantity or a question cannot be read, or a point is not above zero. Write 70B, 1.4T, 3e21 FLOP "
        "or 6.3 PF-days; the caret in the message shows where reading stopped."
    ),
    "P002": (
        "The forecast reaches more than two decades beyond the runs. The interval then rests on the law "
        "being right there, which no run has shown."
    ),
    "P003": (
        "The loss asked for lies below the irreducible loss in most draws: no compute reaches it under this "
        "law."
    ),
    "P004": ("Forecasts are averaged over laws fitted to the same runs; these fits are of different tables."),
    "P006": (
        "A component of a mixture or another vector lies outside the values that the runs have: the law is not tested "
        "there, however near the rest of the point is. A component that never changed in the runs says nothing at all."
    ),
    "P005": (
        "The rule for holding out runs is not understood, or leaves too few runs on one side. Write e.g. "
        "'top 20% compute'."
    ),
}

_MODELS = {
    "M001": (
        "Under the prior, data like these would almost never occur. Look at the units first (N in "
        "billions?), then at the priors: scalaw priors RUNS --law L."
    ),
    "M002": "There is no law or noise of that name; scalaw laws lists the laws.",
    "M003": (
        "The law returns no finite number, has the wrong shape, or cannot be traced by JAX (np.log or `if x "
        "> 0` inside it). Use jnp, jnp.where, and operations that broadcast."
    ),
    "M004": (
        "A parameter is named like a covariate, a parameter of the noise or a reserved word (loss, sigma, nu, run, "
        "chain, draw, scenario, y). Rename it."
    ),
    "M005": (
        "A prior cannot be read, has an unknown family, or numbers out of range. Write LogNormal(0.3, 0.5): "
        "median and standard deviation of the logarithm."
    ),
    "M006": "A law or noise was called with parameters or covariates missing or unknown.",
    "M007": "A law of that name is registered already with another function. Choose another name.",
    "M008": (
        "A law's argument is neither a covariate (N, D, C, U, x, or one described in covariates={…}) nor a "
        "parameter with a prior. Every parameter after the * needs exponent(), amplitude(…), parameter(…)."
    ),
    "M009": (
        "A variant such as chinchilla[alpha=beta] cannot be read or does not fit the law: numbers fix "
        "parameters, names tie them, options set the structure."
    ),
    "M010": (
        "A formula is too long, too deep or outside its small language: numbers, names, + - * / ^ and a few "
        "functions."
    ),
    "M011": (
        "A law fails one of the checks that every law must pass (smooth, broadcasting, monotone as "
        "declared, consistent units, a source)."
    ),
    "M012": (
        "No dimensions make the formula independent of the units of its covariates, and not every "
        "parameter has a prior of its own. Give dimensions or priors."
    ),
    "M013": (
        "Sampler settings are out of range: at least 2 chains, 100 warm-up iterations and 50 draws, and a "
        "target acceptance between 0.5 and 0.999."
    ),
    "M015": (
        "The noise is not one of what the law predicts. Laws of a share (accuracy, error, coverage) go with binomial "
        "and beta_binomial for counts (columns successes and trials) and beta for shares without counts; laws of a "
        "positive loss with the noises of its log."
    ),
    "M016": (
        "A one-sided noise lifts every run above the law, as a higher law would: the runs tell the two apart only by "
        "how skew their scatter is, which a few dozen runs do not show. Hold the mean excess or sigma at what is known "
        "of runs like these, e.g. noise='one_sided[excess=0.03]', or the irreducible loss at a known value."
    ),
    "M017": (
        "A noise fails one of the checks that every noise must pass: a density that integrates to one, finite "
        "gradients that agree with finite differences, draws that follow the density, harmless padding."
    ),
    "M018": (
        "This law could not be fitted to this data set, for the reason that is shown; the other fits of the batch "
        "are there."
    ),
    "M019": (
        "A calibration needs at least 20 simulations, one point of forecast, and, where the runs come from another "
        "model than the one that is fitted, the same parameters in both."
    ),
    "M020": (
        "Huber's loss is an objective to minimise, not the logarithm of a density: nothing can be drawn from it, and "
        "no score or evidence follows from it. Fit with noise='laplace', its Bayesian twin, or take the point fit and "
        "its bootstrap: scalaw bootstrap RUNS --noise huber."
    ),
    "M021": (
        "There is nothing for this bootstrap to draw. Clusters need a column of labels with at least two of them; "
        "residuals need a law of a positive loss, since a share plus a residual can leave its range. Cases and "
        "Dirichlet weights need nothing."
    ),
    "M022": (
        "Printed coefficients belong to one law, one tokenizer and one way of counting parameters, and are never moved "
        "to another: the numbers would mean something else there. scalaw laws NAME lists a law's own; with runs of "
        "your own, fit the law."
    ),
    "M014": ("A comparison needs at least two different laws or variants: one law alone is fitted with fit."),
}

_SAMPLING = {
    "S001": (
        "The sampler's diagnostics are poor: divergences, R-hat above 1.01, few effective draws. Do not use "
        "the intervals. A larger target_accept, more draws, stronger priors or fewer parameters are the "
        "remedies."
    ),
    "S002": (
        "JAX runs in 32 bits by your setting: exponents are accurate to about 1e-3 and counts lose digits."
    ),
    "S003": (
        "The saved fit comes from another version, is damaged, or its law has changed since. Summaries may "
        "still hold; for new predictions fit again."
    ),
    "S004": "The fit or report cannot be written there. Check the folder and the space left.",
}

#: Code → paragraph.
CODES: Mapping[str, str] = MappingProxyType(
    {**_FILES, **_VALUES, **_DESIGN, **_QUESTIONS, **_MODELS, **_SAMPLING}
)


def explain(code: str) -> str:
    """Paragraph about a code.

    Raises
    ------
    ScalawError
        D064 when there is no such code.
    """
    wanted = code.strip().upper()
    if wanted not in CODES:
        near = difflib.get_close_matches(wanted, CODES, 1, 0.5)
        fix = f"the nearest is {near[0]}" if near else "codes look like D012"
        raise ScalawError("D064", f"no code '{code.strip()[:20]}'", fix=fix)
    return CODES[wanted]
