// What a least confidence leaves out.
{
  const limit = document.getElementById("limit");
  if (limit) {
    const below = limit.dataset.below.split(" ").map(Number);
    const n = Number(limit.dataset.n);
    const bars = [...document.querySelectorAll(".histogram span")];
    const first = 100 - 5 * bars.length;
    const update = () => {
      const step = Number(limit.value);
      const out = below[step];
      document.getElementById("limit-value").textContent = (step / 100).toFixed(2);
      document.getElementById("limit-said").textContent =
        `leaves out ${out.toLocaleString("en")} of ${n.toLocaleString("en")} rows (${((100 * out) / n).toFixed(1)} %)`;
      bars.forEach((bar, i) => bar.classList.toggle("off", first + 5 * (i + 1) <= step));
    };
    limit.addEventListener("input", update);
    update();
  }
}
