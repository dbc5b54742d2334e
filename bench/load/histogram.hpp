// Times in buckets that are at most 0.8 % wide: millions of observations in a few kilobytes, and sums of several threads.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lockstep::bench
{

/// Distinct objects: safe. Values are microseconds, or whatever else the caller counts; below 256 they are kept exactly.
class Histogram {
public:
	void add(std::uint64_t value, std::uint64_t times = 1)
	{
		if (times == 0)
			return;
		const std::size_t bucket = bucket_of(value);
		if (bucket >= counts_.size())
			counts_.resize(bucket + 1);
		counts_[bucket] += times;
		total_ += times;
		max_ = std::max(max_, value);
	}

	void merge(const Histogram &other)
	{
		if (other.counts_.size() > counts_.size())
			counts_.resize(other.counts_.size());
		for (std::size_t i = 0; i < other.counts_.size(); ++i)
			counts_[i] += other.counts_[i];
		total_ += other.total_;
		max_ = std::max(max_, other.max_);
	}

	std::uint64_t total() const { return total_; }
	std::uint64_t max() const { return max_; }

	/// The smallest value that at least the share `q` (0 to 1) of all observations do not exceed, within 0.4 %; exactly the
	/// largest one for 1. 0 when there are no observations.
	std::uint64_t quantile(double q) const
	{
		const auto wanted = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(total_)));
		if (total_ == 0 || wanted >= total_)
			return max_;
		std::uint64_t seen = 0;
		for (std::size_t i = 0; i < counts_.size(); ++i) {
			seen += counts_[i];
			if (seen >= std::max<std::uint64_t>(wanted, 1))
				return std::min(middle_of(i), max_);
		}
		return max_;
	}

private:
	/// 128 buckets for each power of two.
	static std::size_t bucket_of(std::uint64_t value)
	{
		if (value < 256)
			return value;
		const auto shift = static_cast<std::size_t>(std::bit_width(value)) - 8;
		return shift * 128 + (value >> shift);
	}
	static std::uint64_t middle_of(std::size_t bucket)
	{
		if (bucket < 256)
			return bucket;
		const std::size_t shift = bucket / 128 - 1;
		const std::uint64_t lowest = static_cast<std::uint64_t>(bucket - shift * 128) << shift;
		return lowest + (std::uint64_t{1} << shift) / 2;
	}

	std::vector<std::uint64_t> counts_;
	std::uint64_t total_ = 0;
	std::uint64_t max_ = 0;
};

} // namespace lockstep::bench
